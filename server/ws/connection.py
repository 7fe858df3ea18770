"""The room WebSocket (docs/protocol.md): an asyncio protocol that uvicorn runs beside HTTP.

Handshake and inbound frames are parsed by websockets' sans-I/O `ServerProtocol`; what goes out to
everybody is framed once by the room and written here as it is.
"""

import asyncio
import logging
import socket
import time
from typing import Any, cast

import structlog
from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from rooms.io.audience import Subscriber, nothing
from rooms.io.hub import PING_S
from rooms.io.local_room import LocalRoom
from rooms.log import LogUnavailable, Position
from rooms.messages import ChatLine, Sender
from rooms.rates import TokenBucket, clean_text
from rooms.state import is_store
from server.access.policy import ANONYMOUS, Action, allowed
from server.problem import Problem
from server.services import Services
from server.ws.chat import chat_error, chat_role
from server.ws.handshake import client_address, codec_index, refusal, select_subprotocol
from server.ws.registry import ChannelExists, ConnectionRegistry
from server.ws.wire import (
    CODECS,
    MESSAGE_BYTES_MAX,
    Ack,
    Chat,
    ClientMessage,
    CloseCode,
    ErrorCode,
    ErrorMessage,
    Hello,
    Identity,
    Like,
    Ping,
    Pong,
    ServerMessage,
    Welcome,
    WireError,
)

CHANNEL_CONNECTIONS_MAX = 20_000
WRITE_BUFFER_HIGH = 8 * 1024
WRITE_BUFFER_LOW = 1024
NOTSENT_LOWAT_BYTES = 16 * 1024
"""Without it the kernel takes megabytes for a viewer who reads nothing, and we see no backlog."""
MESSAGES = (40.0, 10.0)
"""Burst, and per second, per connection."""
LIKES = (200.0, 20.0)
BAD_MESSAGES = (10.0, 10 / 60)
FAST_MESSAGES = (20.0, 20 / 60)
FRAGMENTS_MAX = 64
"""Pieces of one message; without this, empty ones would pile up."""
WAITING_MESSAGES_MAX = 16
"""Messages that may follow `hello` before its answer."""

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

log = structlog.get_logger()

# What peers do wrong is counted (ws_gate.py), not logged line by line.
_parser_log = logging.getLogger("linli.websocket")
_parser_log.setLevel(logging.CRITICAL)


def room_protocol(services: Services, exists: ChannelExists) -> type[asyncio.Protocol]:
    """Return the class to give to `uvicorn.Config(ws=…)`.

    Args:
        services: Its `rooms` hub must have been made with `server.wire.CODECS`.
        exists: Whether there is such a room or store; asked at most once a minute per channel.
    """
    registry = ConnectionRegistry(services.rooms, services.access, services.settings, exists)

    class BoundRoomConnection(RoomConnection):
        __slots__ = ()

        def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
            super().__init__(registry, server_state.connections)

    return BoundRoomConnection


class RoomConnection(Subscriber, asyncio.Protocol):
    """One viewer's socket: handshake, hello, then messages until either side closes."""

    __slots__ = (
        "_address",
        "_arrived",
        "_bad",
        "_connections",
        "_ended",
        "_fast",
        "_greeted",
        "_likes",
        "_lines",
        "_local",
        "_messages",
        "_parts",
        "_principal",
        "_protocol",
        "_registry",
        "_transport",
        "_waiting",
        "received_at",
        "slot",
    )

    def __init__(self, registry: ConnectionRegistry, connections: set[Any]) -> None:
        super().__init__()
        self._registry = registry
        self._connections = connections
        self._protocol = ServerProtocol(
            max_size=MESSAGE_BYTES_MAX,
            select_subprotocol=select_subprotocol,
            logger=_parser_log,
        )
        self._address = ""
        self._arrived = False
        self._ended = False
        self._greeted = False
        self._principal = ANONYMOUS
        self._local: LocalRoom | None = None
        self._parts: list[bytes] = []
        self._waiting: list[ClientMessage] = []
        self._lines = 0
        self._messages: TokenBucket | None = None
        self._likes: TokenBucket | None = None
        self._bad: TokenBucket | None = None
        self._fast: TokenBucket | None = None
        self.slot = 0
        self.received_at = 0.0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport from HTTP."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH, low=WRITE_BUFFER_LOW)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)

    def data_received(self, data: bytes) -> None:
        """Parse, answer, act."""
        self.received_at = _now()
        protocol = self._protocol
        if protocol.parser_exc is not None:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame):
                self._frame(event)
        if not self._arrived and isinstance(protocol.handshake_exc, InvalidMessage):
            self._registry.refuse("http 400")
            self._transport.write(BAD_REQUEST)
        if self._arrived and protocol.parser_exc is not None:
            self._registry.malformed("frame")
            self._leave()
        self._flush()

    def eof_received(self) -> None:
        """The peer has gone without a close frame."""
        self._protocol.receive_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget everything."""
        self._connections.discard(self)
        self._leave()
        if self._arrived:
            self._arrived = False
            self._registry.depart(self, self._address)

    def pause_writing(self) -> None:
        """The socket does not take what it is given; who does not read us is not read."""
        self.paused = True
        self._transport.pause_reading()
        if self.audience is not None:
            self.audience.changed(self)

    def resume_writing(self) -> None:
        """The backlog has gone."""
        self.paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self.audience is not None:
            self.audience.changed(self)

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        if self._arrived:
            self._registry.drain(self, _now())
        else:
            self._transport.close()

    # Subscriber and Peer

    def waiting_bytes(self) -> int:
        """See `Subscriber`."""
        return self._transport.get_write_buffer_size()

    def close_slow(self) -> None:
        """See `Subscriber`."""
        self.close_with(CloseCode.SLOW)

    def write_control(self, data: bytes) -> None:
        """See `Peer`."""
        self.write(data)

    def close_with(self, code: CloseCode) -> None:
        """See `Peer`."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, code.reason)
            self._flush()
            self._registry.closes(self, code, _now())
        self._leave()

    def abort(self) -> None:
        """See `Peer`."""
        self._transport.abort()

    # The handshake

    def _handshake(self, request: Request) -> None:
        settings = self._registry.settings
        response = refusal(self._protocol, request, settings, self._registry.is_full)
        if response is None:
            response = self._protocol.accept(request)
        else:
            self._registry.refuse(f"http {response.status_code}")
        self._protocol.send_response(response)
        self._flush()
        if self._protocol.state is not OPEN:
            return
        self.codec = codec_index(self._protocol.subprotocol)
        self.write = self._transport.write
        self._address = client_address(request, self._transport, settings.trust_proxy)
        self._arrived = True
        code = self._registry.arrive(self, self._address, self.received_at)
        if code is not None:
            self._refuse(code)

    # ClientMessage messages

    def _frame(self, frame: Frame) -> None:
        # What came before the peer's close in one packet still counts.
        if self._ended or frame.opcode in (Opcode.PONG, Opcode.CLOSE):
            return
        if frame.opcode is Opcode.PING:
            if self._greeted:
                self._may_send()
            return
        if frame.opcode is not Opcode.CONT and frame.opcode is not CODECS[self.codec].opcode:
            self._registry.malformed("opcode")
            self.close_with(CloseCode.BAD_MESSAGE)
            return
        self._parts.append(bytes(frame.data))
        if len(self._parts) > FRAGMENTS_MAX:
            self._registry.malformed("fragments")
            self.close_with(CloseCode.BAD_MESSAGE)
        elif frame.fin:
            payload = b"".join(self._parts)
            self._parts.clear()
            self._payload(payload)

    def _payload(self, payload: bytes) -> None:
        if self._greeted and not self._may_send():
            return
        try:
            message = CODECS[self.codec].decode(payload)
        except WireError as error:
            self._misunderstood(error)
            return
        if not self._greeted:
            self._hello(message)
        elif self._local is None:
            if len(self._waiting) < WAITING_MESSAGES_MAX:
                self._waiting.append(message)
        else:
            self._act(message)

    def _may_send(self) -> bool:
        if not self._registry.limits:
            return True
        if self._messages is None:
            self._messages = TokenBucket(*MESSAGES)
        wait_s = self._messages.take(self.received_at)
        if wait_s > 0.0:
            self._too_fast(wait_s)
        return wait_s == 0.0

    def _misunderstood(self, error: WireError) -> None:
        self._registry.malformed(error.kind)
        if self._bad is None:
            self._bad = TokenBucket(*BAD_MESSAGES)
        if not self._greeted or self._bad.take(self.received_at) > 0.0:
            self.close_with(CloseCode.BAD_MESSAGE)
        else:
            self._send(ErrorMessage(code=error.code, detail=error.detail))

    def _too_fast(self, wait_s: float, cid: str | None = None) -> None:
        if self._fast is None:
            self._fast = TokenBucket(*FAST_MESSAGES)
        if self._fast.take(self.received_at) > 0.0:
            self.close_with(CloseCode.TOO_MANY_MESSAGES)
            return
        wait_ms = int(wait_s * 1000) + 1
        detail = "Slow down, please."
        self._send(
            ErrorMessage(code=ErrorCode.TOO_FAST, detail=detail, cid=cid, retry_after_ms=wait_ms)
        )

    def _act(self, message: ClientMessage) -> None:
        match message:
            case Ping():
                self._send(Pong(message.id, _at_ms()))
            case Like():
                self._like(message.n)
            case Chat():
                self._chat(message)
            case Hello():
                self._send(
                    ErrorMessage(code=ErrorCode.HELLO_AGAIN, detail="hello was said already.")
                )

    def _like(self, n: int) -> None:
        local = self._local
        assert local is not None
        if self._registry.limits:
            if self._likes is None:
                self._likes = TokenBucket(*LIKES)
            n = self._likes.take_up_to(n, self.received_at)
        if not is_store(local.channel):
            local.likes += n

    def _chat(self, message: Chat) -> None:
        local, principal = self._local, self._principal
        assert local is not None
        text = clean_text(message.text)
        error = chat_error(local.channel, principal, text)
        if error is not None:
            self._send(ErrorMessage(code=error[0], detail=error[1], cid=message.cid))
            return
        wait_s = self._registry.chat_wait_s(principal.subject, self.received_at)
        if wait_s > 0.0:
            self._too_fast(wait_s, message.cid)
            return
        self._lines += 1
        sender = Sender(
            principal.subject,
            principal.nickname or principal.subject,
            chat_role(local.channel, principal),
        )
        line = ChatLine(f"{self.client}-{self._lines:x}", sender, text, _at_ms())
        self._registry.hub.publish_line(local, line)
        self._send(Ack(message.cid))

    # Hello

    def _hello(self, message: ClientMessage) -> None:
        if not isinstance(message, Hello):
            self._registry.malformed("order")
            self.close_with(CloseCode.BAD_MESSAGE)
            return
        self._greeted = True
        self._registry.greeted(self)
        code = self._identify(message)
        if code is not None:
            self._refuse(code)
            return
        since = None
        if message.epoch is not None and message.offset is not None:
            since = Position(message.epoch, message.offset)
        hub = self._registry.hub
        local = hub.room(message.channel)
        if (
            local is not None
            and self._registry.knows(message.channel, self.received_at)
            and not (since and local.room.is_behind(since))
        ):
            self._enter(local, since)
        else:
            hub.spawn(self._enter_later(message.channel, since))

    def _identify(self, message: Hello) -> CloseCode | None:
        if message.token is not None:
            try:
                self._principal = self._registry.access.verify(message.token)
            except Problem:
                return CloseCode.UNAUTHORISED
        kind, _, name = message.channel.partition(":")
        if kind == "store":
            if allowed(self._principal, Action.FULFIL, store_id=name):
                return None
            anonymous = self._principal.anonymous
            return CloseCode.UNAUTHORISED if anonymous else CloseCode.FORBIDDEN
        watches = allowed(self._principal, Action.WATCH, room_id=name)
        return None if watches else CloseCode.FORBIDDEN

    async def _enter_later(self, channel: str, since: Position | None) -> None:
        try:
            if not await self._registry.find(channel, _now()):
                self._refuse(CloseCode.NO_SUCH_CHANNEL)
                return
            local = await self._registry.hub.open_room(channel, since)
        except LogUnavailable:
            self._refuse(CloseCode.UNAVAILABLE)
        except Exception:
            log.exception("a viewer could not be let in")
            self._refuse(CloseCode.FAILED)
        else:
            self._enter(local, since)

    def _enter(self, local: LocalRoom, since: Position | None) -> None:
        if not self._arrived or self._ended:
            return
        if len(local.audience) >= CHANNEL_CONNECTIONS_MAX:
            self._refuse(CloseCode.TOO_MANY_CONNECTIONS)
            return
        principal, hub = self._principal, self._registry.hub
        self._local = local
        self.client = self._registry.next_client()
        self.user_id = principal.subject
        subscription = hub.subscribe(local, self, since)
        you = None
        if not principal.anonymous:
            roles = tuple(sorted(principal.roles))
            you = Identity(principal.subject, principal.nickname, roles)
        welcome = Welcome(
            client=self.client,
            at_ms=_at_ms(),
            ping_s=PING_S,
            recovered=subscription.recovered,
            you=you,
        )
        self.write(CODECS[self.codec].frame(welcome) + subscription.frame)
        if principal.nickname and since is None and not is_store(local.channel):
            hub.publish_join(local, principal.nickname)
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            if not self._ended:
                self._act(message)

    # Small things

    def _refuse(self, code: CloseCode) -> None:
        self._registry.refuse(code.reason)
        self.close_with(code)

    def _leave(self) -> None:
        self._ended = True
        self.write = nothing
        local, self._local = self._local, None
        if local is not None:
            self._registry.hub.unsubscribe(local, self)

    def _send(self, message: ServerMessage) -> None:
        self.write(CODECS[self.codec].frame(message))

    def _flush(self) -> None:
        """Write what the parser wants written: handshake, pongs, closes."""
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._leave()
                self._transport.close()


def _now() -> float:
    return time.monotonic()


def _at_ms() -> int:
    return time.time_ns() // 1_000_000
