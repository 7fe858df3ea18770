"""A WebSocket over one TCP socket: frames to messages, backpressure, the close (RFC 6455).

Frames are parsed by websockets' sans-I/O `ServerProtocol`. It knows no rooms: a subclass answers
the handshake and takes whole messages. All callbacks are synchronous, in the order of the bytes.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, cast

from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from server.ws.handshake import select_subprotocol
from server.ws.wire import MESSAGE_BYTES_MAX, CloseCode

WRITE_BUFFER_HIGH = 8 * 1024
WRITE_BUFFER_LOW = 1024
NOTSENT_LOWAT_BYTES = 16 * 1024
"""Without it the kernel buffers megabytes for a viewer who reads nothing, and we see no backlog."""
FRAGMENTS_MAX = 64
"""Frames of one message; without this, empty ones would pile up."""

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

# Protocol errors of peers are counted (registry.py), not logged one by one.
_parser_log = logging.getLogger("linli.websocket")
_parser_log.setLevel(logging.CRITICAL)


class FrameTransport(asyncio.Protocol):
    """The socket of one connection, from the HTTP request to the last byte.

    Whole messages go to `on_message`; nothing is read while the write buffer is full. After
    `close_with` no message comes in and nothing goes out but the close frame.
    """

    __slots__ = (
        "_connections",
        "_fragments",
        "_is_closing",
        "_opcode",
        "_transport",
        "is_accepted",
        "protocol",
        "received_at",
    )

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections
        self._fragments: list[bytes] = []
        self._is_closing = False
        self._opcode = Opcode.TEXT
        self._transport: asyncio.Transport
        self.is_accepted = False
        self.protocol = ServerProtocol(
            max_size=MESSAGE_BYTES_MAX,
            select_subprotocol=select_subprotocol,
            logger=_parser_log,
        )
        self.received_at = 0.0

    # For the subclass to define

    def on_request(self, request: Request) -> Response:
        """Return the answer to the handshake."""
        raise NotImplementedError

    def on_accepted(self, request: Request, transport: asyncio.Transport) -> Opcode:
        """The handshake was accepted; return the opcode of the messages to come."""
        raise NotImplementedError

    def on_message(self, payload: bytes) -> None:
        """A message has arrived, its fragments joined."""
        raise NotImplementedError

    def on_ping(self) -> None:
        """A ping has arrived; the pong is sent without this."""
        raise NotImplementedError

    def on_malformed(self, kind: str) -> None:
        """The peer broke the protocol: handshake, frame, opcode or fragments. A close follows."""
        raise NotImplementedError

    def on_paused(self, is_paused: bool) -> None:
        """The write buffer is full, or has drained."""
        raise NotImplementedError

    def on_close_sent(self, code: CloseCode) -> None:
        """Our close frame was written."""
        raise NotImplementedError

    def on_closing(self) -> None:
        """Nothing may be written from now on; may come more than once."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """An accepted connection is gone."""
        raise NotImplementedError

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
        """Parse, and act on each frame."""
        self.received_at = time.monotonic()
        protocol = self.protocol
        if protocol.parser_exc is not None:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                self._receive_request(event)
            elif isinstance(event, Frame):
                self._receive_frame(event)
        if not self.is_accepted and isinstance(protocol.handshake_exc, InvalidMessage):
            self.on_malformed("handshake")
            self._transport.write(BAD_REQUEST)
        if self.is_accepted and protocol.parser_exc is not None:
            self.on_malformed("frame")
            self._stop()
        self._flush()

    def eof_received(self) -> None:
        """The peer has closed without a close frame."""
        self.protocol.receive_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of everything."""
        self._connections.discard(self)
        self._stop()
        if self.is_accepted:
            self.is_accepted = False
            self.on_lost()

    def pause_writing(self) -> None:
        """The write buffer is full; a peer that does not read is not read from."""
        self._transport.pause_reading()
        self.on_paused(True)

    def resume_writing(self) -> None:
        """The write buffer has drained."""
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self.on_paused(False)

    # Output

    @property
    def write(self) -> Callable[[bytes], object]:
        """Write framed bytes as they are; not after `on_closing`."""
        return self._transport.write

    def write_buffer_bytes(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._transport.get_write_buffer_size()

    def write_control(self, data: bytes) -> None:
        """Write a control frame unless the connection is closing."""
        if not self._is_closing:
            self._transport.write(data)

    def close_with(self, code: CloseCode) -> None:
        """Send a close frame, once, and stop; the peer's answer ends the connection."""
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, code.reason)
            self._flush()
            self.on_close_sent(code)
        self._stop()

    def close(self) -> None:
        """Close the TCP connection."""
        self._transport.close()

    def abort(self) -> None:
        """Cut the TCP connection."""
        self._transport.abort()

    # Input

    def _receive_request(self, request: Request) -> None:
        self.protocol.send_response(self.on_request(request))
        self._flush()
        if self.protocol.state is OPEN:
            self.is_accepted = True
            self._opcode = self.on_accepted(request, self._transport)

    def _receive_frame(self, frame: Frame) -> None:
        # Frames before the peer's close in the same packet still count.
        if self._is_closing or frame.opcode in (Opcode.PONG, Opcode.CLOSE):
            return
        if frame.opcode is Opcode.PING:
            self.on_ping()
            return
        if frame.opcode is not Opcode.CONT and frame.opcode is not self._opcode:
            self._refuse("opcode")
            return
        self._fragments.append(bytes(frame.data))
        if len(self._fragments) > FRAGMENTS_MAX:
            self._refuse("fragments")
        elif frame.fin:
            payload = b"".join(self._fragments)
            self._fragments.clear()
            self.on_message(payload)

    def _refuse(self, kind: str) -> None:
        self.on_malformed(kind)
        self.close_with(CloseCode.BAD_MESSAGE)

    def _stop(self) -> None:
        self._is_closing = True
        self.on_closing()

    def _flush(self) -> None:
        """Write the parser's output: handshake, pongs, closes."""
        for data in self.protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._stop()
                self._transport.close()
