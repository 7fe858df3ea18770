"""The room WebSocket (docs/protocol.md), which uvicorn runs beside HTTP on the same port.

A connection is a transport (frames), a handshake (who may connect) and a session (messages).
"""

import asyncio
from typing import Any, ClassVar

from websockets.frames import Opcode
from websockets.http11 import Request, Response

from server.access.policy import Principal
from server.access.rehearsals import Rehearsals
from server.services import Services
from server.ws.handshake import client_address, client_device, codec_index, refusal
from server.ws.moderation import ModerationSource
from server.ws.registry import ChannelExists, ConnectionRegistry
from server.ws.session import RoomSession
from server.ws.transport import FrameTransport
from server.ws.wire import CODECS, CloseCode


def room_protocol(
    services: Services,
    exists: ChannelExists,
    moderation: ModerationSource | None = None,
    rehearsals: Rehearsals | None = None,
) -> "type[RoomConnection]":
    """Return the class to give to `uvicorn.Config(ws=…)`.

    Args:
        services: Its `rooms` hub must have been made with `server.ws.wire.CODECS`.
        exists: Whether there is such a room or store; called at most once a minute per channel.
        moderation: Where the order of chats is kept; without it there are no rules.
        rehearsals: Which rooms are open to their staff alone; without it none is.
    """
    registry = ConnectionRegistry(
        services.rooms, services.access, services.settings, exists, moderation, rehearsals
    )

    class BoundRoomConnection(RoomConnection):
        __slots__ = ()
        shared = registry

        def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
            super().__init__(registry, server_state.connections)

    return BoundRoomConnection


class RoomConnection(FrameTransport):
    """One viewer's connection; also the registry's `Peer`. `shared` is that of the worker."""

    shared: ClassVar[ConnectionRegistry]
    __slots__ = ("_registry", "_session", "address", "device", "slot")

    def __init__(self, registry: ConnectionRegistry, connections: set[Any]) -> None:
        super().__init__(connections)
        self._registry = registry
        self._session = RoomSession(registry, self)
        self.address = ""
        self.device = ""
        self.slot = 0

    @property
    def principal(self) -> Principal:
        """See `Peer`."""
        return self._session.principal

    def on_request(self, request: Request) -> Response:
        """See `FrameTransport`."""
        registry = self._registry
        refused = refusal(self.protocol, request, registry.settings, registry.is_full)
        if refused is None:
            return self.protocol.accept(request)
        registry.refuse(f"http {refused.status_code}")
        return refused

    def on_accepted(self, request: Request, transport: asyncio.Transport) -> Opcode:
        """See `FrameTransport`."""
        codec = codec_index(self.protocol.subprotocol)
        self._session.begin(codec)
        self.address = client_address(request, transport, self._registry.settings.trust_proxy)
        self.device = client_device(request)
        code = self._registry.arrive(self, self.address, self.received_at)
        if code is not None:
            self._session.refuse(code)
        return CODECS[codec].opcode

    def on_message(self, payload: bytes) -> None:
        """See `FrameTransport`."""
        self._session.receive(payload)

    def on_ping(self) -> None:
        """See `FrameTransport`."""
        self._session.receive_ping()

    def on_malformed(self, kind: str) -> None:
        """See `FrameTransport`."""
        if kind == "handshake":
            self._registry.refuse("http 400")
        else:
            self._registry.malformed(kind)

    def on_paused(self, is_paused: bool) -> None:
        """See `FrameTransport`."""
        self._session.pause(is_paused)

    def on_close_sent(self, code: CloseCode) -> None:
        """See `FrameTransport`."""
        self._registry.closes(self, code, self._registry.now())

    def on_closing(self) -> None:
        """See `FrameTransport`."""
        self._session.leave()

    def on_lost(self) -> None:
        """See `FrameTransport`."""
        self._registry.depart(self, self.address)

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        if self.is_accepted:
            self._registry.drain(self, self._registry.now())
        else:
            self.close()
