"""A real uvicorn with the room WebSocket on loopback, and clients for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any, cast

import msgpack  # type: ignore[import-untyped]  # has no stubs
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rooms.io.hub import RoomHub
from rooms.io.memory import MemoryRoomBus, MemoryRoomLog, MemoryRooms
from server.access.policy import Principal, Role
from server.access.rehearsals import Rehearsals
from server.access.tokens import Access, TokenVersions
from server.bridge.channels.registry import RULES
from server.net.connections import ConnectionTable
from server.net.protocol import http_protocol
from server.services import Services
from server.settings import Settings
from server.ws.connection import room_protocol
from server.ws.moderation import ModerationSource
from server.ws.wire import CODECS, JSON, MSGPACK
from tests.support.quick_server import started
from tests.support.waiting import WAIT_S

SECRET = "s" * 32
GUEST = Principal("g1", frozenset({Role.MEMBER}), estate_id="e1", nickname="小林")
HOST = Principal("h1", frozenset({Role.HOST}), room_id="demo", nickname="店主")
CLERK = Principal("c1", frozenset({Role.STORE}), store_id="s1", nickname="Clerk")

Message = dict[str, Any]

_NEEDED = ("settings", "access", "connections", "rooms")
_NOT_NEEDED = [part.name for part in fields(Services) if part.name not in _NEEDED]


class Server:
    """One worker: hub, protocol class and listening uvicorn."""

    def __init__(
        self,
        hub: RoomHub,
        port: int,
        access: Access,
        server: uvicorn.Server,
        table: ConnectionTable,
    ) -> None:
        self.table = table
        self.hub = hub
        self.port = port
        self.access = access
        self.server = server

    def token(self, principal: Principal) -> str:
        """A token for `principal`."""
        return self.access.issue(principal, 60)

    @contextlib.asynccontextmanager
    async def client(self, subprotocol: str = JSON, **options: Any) -> AsyncIterator["Client"]:
        """A connected client before hello."""
        async with connect(
            f"ws://127.0.0.1:{self.port}/ws",
            subprotocols=[Subprotocol(subprotocol)],
            compression=None,
            ping_interval=None,
            close_timeout=1,
            **options,
        ) as socket:
            yield Client(socket, subprotocol)

    @contextlib.asynccontextmanager
    async def viewer(
        self, channel: str = "room:demo", subprotocol: str = JSON, **hello: Any
    ) -> AsyncIterator["Client"]:
        """A client after its welcome and the snapshot or tick that follows."""
        async with self.client(subprotocol) as client:
            await client.send(t="hello", channel=channel, **hello)
            client.welcome = await client.receive()
            assert client.welcome["t"] == "welcome"
            client.first = await client.receive()
            yield client


class Client:
    """Encodes either codec with an implementation that is not the server's."""

    def __init__(self, socket: ClientConnection, subprotocol: str) -> None:
        self.socket = socket
        self.subprotocol = subprotocol
        self.welcome: Message = {}
        self.first: Message = {}

    async def send(self, **message: Any) -> None:
        """Send a message."""
        if self.subprotocol == MSGPACK:
            await self.socket.send(msgpack.packb(message))
        else:
            await self.socket.send(msgspec.json.encode(message).decode())

    async def receive(self) -> Message:
        """Return the next message."""
        async with asyncio.timeout(WAIT_S):
            data = await self.socket.recv()
        if self.subprotocol == MSGPACK:
            assert isinstance(data, bytes)
            return cast(Message, msgpack.unpackb(data))
        assert isinstance(data, str)
        return cast(Message, msgspec.json.decode(data))

    async def receive_until(self, **wanted: Any) -> Message:
        """Return the next message that has a member of each name, equal unless None is wanted."""
        while True:
            message = await self.receive()
            if all(
                name in message and value in (None, message[name]) for name, value in wanted.items()
            ):
                return message

    async def receive_events(self, count: int) -> list[Message]:
        """Return the next `count` numbered events, `first` included, checking ticks on the way."""
        events: list[Message] = []
        message = self.first
        while True:
            if message["t"] == "tick":
                events += message.get("events", [])
                assert message["epoch"] and (not events or message["offset"] == events[-1]["o"])
            if len(events) >= count:
                return events
            message = await self.receive()

    async def receive_event(self, kind: str) -> Message:
        """Return the next numbered event of a kind."""
        while True:
            for event in (await self.receive()).get("events", ()):
                if event["k"] == kind:
                    return cast(Message, event)

    async def close_code(self) -> int:
        """Wait for the server's close and return its code."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                while True:  # What is unread would hold the close back.
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code


async def _exists(channel: str) -> bool:
    rooms = ("room:demo", "room:other")
    return channel in (*rooms, "store:s1", "store:s2", "estate:e1", "estate:e2", "hq:b")


@contextlib.asynccontextmanager
async def serving(
    hub: RoomHub,
    versions: TokenVersions | None = None,
    moderation: ModerationSource | None = None,
    rehearsals: Rehearsals | None = None,
    **settings: Any,
) -> AsyncIterator[Server]:
    """Serve `hub`, which has been started, until the block ends."""
    access = Access(SECRET, versions)
    values = Settings(**settings)
    table = ConnectionTable(values.connections_max or 1_000, values.connections_per_address_max)
    services = Services(
        settings=values,
        access=access,
        connections=table,
        rooms=hub,
        **cast(Any, dict.fromkeys(_NOT_NEEDED)),
    )
    app = Starlette(routes=[Route("/healthz", lambda _: PlainTextResponse("ok"))])
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=http_protocol(table),
        ws=room_protocol(services, _exists, moderation, rehearsals),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=4,
    )
    async with started(config) as server:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Server(hub, port, access, server, table)


@contextlib.asynccontextmanager
async def memory_hub(rooms: MemoryRooms | None = None) -> AsyncIterator[RoomHub]:
    """A started hub without Redis."""
    rooms = rooms or MemoryRooms(RULES)
    hub = RoomHub(MemoryRoomLog(rooms), MemoryRoomBus(rooms), CODECS, rooms.rules)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()
