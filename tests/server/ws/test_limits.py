"""Limits of the room WebSocket, and the answers beyond them."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from rooms.events import StockChanged
from rooms.io import audience, local_room
from rooms.io.hub import RoomHub
from rooms.log import Batch
from server.access import tokens
from server.net.seldom import Seldom
from server.ws import handshake, registry
from server.ws.wire import JSON, MSGPACK
from tests.support.room_examples import line
from tests.support.room_hubs import CLERK, GUEST, Server, memory_hub, serving
from tests.support.room_replica import Replica
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"
HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)


@pytest.fixture
async def hub() -> AsyncIterator[RoomHub]:
    async with memory_hub() as hub:
        yield hub


@pytest.fixture
async def server(hub: RoomHub) -> AsyncIterator[Server]:
    async with serving(hub, allowed_origins="https://app.example") as server:
        yield server


async def status(server: Server, path: bytes = b"/ws", headers: bytes = b"") -> tuple[int, str]:
    """Return the answer to a handshake: status, and head with body."""
    if b"Protocol" not in headers:
        headers += b"Sec-WebSocket-Protocol: linli.v1.json\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HANDSHAKE % (path, headers))
    async with asyncio.timeout(WAIT_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        code = int(head.split()[1])
        body = "" if code == 101 else (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return code, head + body


# The handshake


async def test_a_socket_leaves_the_table_of_http_connections(server: Server) -> None:
    async with server.viewer(ROOM):
        assert len(server.table) == 0


async def test_what_is_sent_with_the_handshake_is_read(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    hello = Frame(Opcode.TEXT, json.dumps({"t": "hello", "channel": ROOM}).encode())
    protocol = b"Sec-WebSocket-Protocol: linli.v1.json\r\n"
    writer.write(HANDSHAKE % (b"/ws", protocol) + hello.serialize(mask=True))
    async with asyncio.timeout(WAIT_S):
        await reader.readuntil(b"welcome")
    writer.close()


async def test_sockets_leave_a_part_of_all_connections_to_http(hub: RoomHub) -> None:
    async with serving(hub, connections_max=10) as server, contextlib.AsyncExitStack() as stack:
        for _ in range(9):
            await stack.enter_async_context(server.viewer(ROOM))
        with structlog.testing.capture_logs() as logs:
            assert (await status(server))[0] == 503
        assert [line["reason"] for line in logs] == ["full"]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b"200 OK" in await reader.read()
        writer.close()


async def test_other_paths_have_no_websocket(server: Server) -> None:
    for path in (b"/", b"/ws/", b"/api/lives", b"/wss", b"//ws", b"//[", b"*"):
        assert (await status(server, path))[0] == 404
    assert (await status(server, b"/ws?x=1"))[0] == 101


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (b"https://shop.example", 101),
        (b"https://shop.example:443", 101),
        (b"https://app.example", 101),
        (b"https://APP.example:443", 101),
        (b"https://evil.example", 403),
        (b"https://shop.example.evil.example", 403),
        (b"https://shop.example:444", 403),
        (b"null", 403),
        (b"http://[::1", 403),
    ],
)
async def test_only_own_and_allowed_origins_connect(
    server: Server, origin: bytes, expected: int
) -> None:
    assert (await status(server, headers=b"Origin: %s\r\n" % origin))[0] == expected


async def test_a_refused_origin_is_logged_with_what_to_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_refusals", Seldom(60.0))
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await status(server, headers=b"Origin: https://new.example\r\n")
    [line] = logs
    assert (line["origin"], line["host"]) == ("https://new.example", "shop.example")
    assert "LINLI_ALLOWED_ORIGINS" in line["event"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GET", b"POST"),
        (b"Version: 13", b"Version: 8"),
        (b"Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key: short"),
        (b"Sec-WebSocket-Key", b"X-Key"),
        (b"Host: shop.example", b"Content-Length: 4"),
    ],
)
async def test_malformed_handshake_gets_a_4xx_and_is_closed(
    server: Server, old: bytes, new: bytes
) -> None:
    request = HANDSHAKE % (b"/ws", b"Sec-WebSocket-Protocol: linli.v1.json\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request.replace(old, new))
    async with asyncio.timeout(WAIT_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer[:10] == b"HTTP/1.1 4"
    await wait_until(lambda: not server.server.server_state.connections)


async def test_first_known_subprotocol_is_selected(server: Server) -> None:
    both = b"Sec-WebSocket-Protocol: graphql-ws, linli.v1.json, linli.v1.msgpack\r\n"
    code, head = await status(server, headers=both)
    assert code == 101
    assert "Sec-WebSocket-Protocol: linli.v1.json\r\n" in head
    assert "Extensions" not in head


@pytest.mark.parametrize("header", [b"Sec-WebSocket-Protocol: linli.v9\r\n", b"X-Protocol: x\r\n"])
async def test_other_subprotocols_are_refused_with_the_names_of_ours(
    server: Server, header: bytes
) -> None:
    code, text = await status(server, headers=header)
    assert code == 400
    assert MSGPACK in text and JSON in text


async def test_full_server_answers_503(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CONNECTIONS_MAX", 0)
    with pytest.raises(InvalidStatus, match="503"):
        async with server.client():
            pass
    assert server.hub.counts.refused_total == {"http 503": 1}


async def test_connections_over_the_address_limit_are_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CONNECTIONS_PER_ADDRESS_MAX", 1)
    async with server.viewer():
        async with server.client() as second:
            assert await second.close_code() == 3504
    await wait_until(lambda: server.hub.counts.connections == 0)
    async with server.viewer():
        pass


async def test_connections_over_the_connect_rate_are_closed_with_unavailable(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CONNECTS_PER_ADDRESS", (1.0, 0.001))
    async with server.viewer(), server.client() as second:
        assert await second.close_code() == 3013


async def test_connections_over_the_channel_limit_are_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ws.session.CHANNEL_CONNECTIONS_MAX", 1)
    async with server.viewer(), server.client() as second:
        await second.send(t="hello", channel=ROOM)
        assert await second.close_code() == 3504


# Hello and silence


async def test_connection_without_hello_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HELLO_S_MAX", 0.1)
    async with server.client() as client:
        assert await client.close_code() == 3001


async def test_connection_without_pongs_is_closed(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 2)
    monkeypatch.setattr(registry, "PONG_S_MAX", -1.0)
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.0)
    async with serving(hub) as server:
        # It never answers, not even the close: it is cut.
        received = await raw_close(server, HELLO)
    assert b"\x89\x05linli" in received
    assert b"silent" in received
    assert hub.counts.closed_total == {3009: 1}


class Revoked:
    """Staff whose tokens hold until `all_ended` is set."""

    all_ended = False

    def is_current(self, staff_id: str, version: int, issued_at_s: float) -> bool:
        """Whether a token holds."""
        return not self.all_ended


async def test_socket_of_a_revoked_token_is_closed_and_others_stay(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 1)
    versions = Revoked()
    async with serving(hub, versions) as server:
        hello = {"channel": "store:s1", "token": server.token(CLERK)}
        async with (
            server.viewer(**hello) as clerk,
            server.viewer(token=server.token(GUEST)) as guest,
        ):
            versions.all_ended = True
            assert await clerk.close_code() == 3501
            await guest.send(t="ping", id=7)
            await guest.receive_until(t="pong")
        async with server.client() as again:
            await again.send(t="hello", **hello)
            assert await again.close_code() == 3501


async def test_socket_outlives_its_token_no_longer_than_a_ping(
    hub: RoomHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PING_S", 1)
    async with serving(hub) as server:
        ended = server.access.issue(CLERK, -tokens.LEEWAY_S + 1)
        async with server.viewer(channel="store:s1", token=ended) as clerk:
            assert await clerk.close_code() == 3501


async def test_message_just_before_a_close_is_delivered(server: Server) -> None:
    hello = {"t": "hello", "channel": ROOM, "token": server.token(GUEST)}
    async with server.viewer() as other:
        await raw_close(
            server,
            client_frame(Opcode.TEXT, json.dumps(hello).encode()),
            client_frame(Opcode.TEXT, b'{"t":"chat","cid":"c","text":"bye"}'),
            client_frame(Opcode.CLOSE, b""),
        )
        assert (await other.receive_until(chat=None))["chat"][0]["text"] == "bye"


@pytest.mark.parametrize(
    "first",
    [
        {"t": "ping", "id": 1},
        {"t": "hello"},
        {"t": "hello", "channel": "shop:1"},
        {"t": "hello", "channel": "room:a b"},
        {"t": "hello", "channel": "room:" + "x" * 65},
        {"t": "hello", "channel": ROOM, "offset": -1},
        {"t": "hello", "channel": ROOM, "token": 5},
        {"t": "who"},
        {"x": 1},
    ],
)
async def test_first_message_other_than_hello_closes_the_connection(
    server: Server, first: dict[str, Any]
) -> None:
    async with server.client() as client:
        await client.send(**first)
        assert await client.close_code() == 3500
    assert sum(server.hub.counts.malformed_total.values()) == 1


# Messages


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"t": "like", "n": 0}, "bad-message"),
        ({"t": "like", "n": 1.5}, "bad-message"),
        ({"t": "like", "n": 101}, "bad-message"),
        ({"t": "chat", "text": "x"}, "bad-message"),
        ({"t": "chat", "cid": "", "text": "x"}, "bad-message"),
        ({"t": "ping", "id": 2**60}, "bad-message"),
        ({"t": 5}, "bad-message"),
        ({"t": "dance"}, "unknown-type"),
        ({"t": "hello", "channel": ROOM}, "hello-again"),
        ({"t": "chat", "cid": "c", "text": "x"}, "token-needed"),
    ],
)
@pytest.mark.parametrize("subprotocol", [MSGPACK, JSON])
async def test_malformed_message_gets_an_error_and_the_connection_stays(
    server: Server, message: dict[str, Any], code: str, subprotocol: str
) -> None:
    async with server.viewer(subprotocol=subprotocol) as viewer:
        await viewer.send(**message)
        error = await viewer.receive_until(t="error")
        assert error["code"] == code
        assert error.get("cid") == message.get("cid" if code == "token-needed" else "")
        await viewer.send(t="ping", id=1)
        await viewer.receive_until(t="pong")


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text-empty"), (" \u200b\x07\n", "text-empty"), ("好" * 201, "text-too-long")],
)
async def test_empty_and_overlong_chat_is_refused(server: Server, text: str, code: str) -> None:
    async with server.viewer(token=server.token(GUEST)) as viewer:
        await viewer.send(t="chat", cid="c9", text=text)
        error = await viewer.receive_until(t="error", cid="c9")
        assert error["code"] == code
        await viewer.send(t="chat", cid="c10", text="好" * 200)
        await viewer.receive_until(t="ack", cid="c10")


async def test_store_channel_has_no_chat(server: Server) -> None:
    async with server.viewer("store:s1", token=server.token(CLERK)) as clerk:
        await clerk.send(t="chat", cid="c", text="hello")
        assert (await clerk.receive_until(t="error"))["code"] == "forbidden"


async def test_repeated_malformed_messages_close_the_connection(server: Server) -> None:
    async with server.viewer() as viewer:
        for _ in range(11):
            await viewer.socket.send("nonsense")
        assert await viewer.close_code() == 3500
    assert server.hub.counts.malformed_total == {"codec": 11}


async def test_chat_rate_is_per_user_over_all_connections(server: Server) -> None:
    token = server.token(GUEST)
    async with server.viewer(token=token) as one, server.viewer(token=token) as two:
        for number in range(5):
            await one.send(t="chat", cid=f"c{number}", text="hi")
            await one.receive_until(t="ack", cid=f"c{number}")
        await two.send(t="chat", cid="c5", text="hi")
        error = await two.receive_until(t="error", cid="c5")
        assert error["code"] == "too-fast"
        assert 0 < error["retry_after_ms"] <= 1001


async def test_message_flood_closes_the_connection(server: Server) -> None:
    async with server.viewer() as viewer:
        for number in range(80):
            await viewer.send(t="ping", id=number)
        assert await viewer.close_code() == 3505
    kinds = server.hub.counts.closed_total
    assert kinds == {3505: 1}


async def test_ping_flood_closes_the_connection(server: Server) -> None:
    received = await raw_close(server, HELLO, client_frame(Opcode.PING, b"x" * 100) * 200)
    assert (3505).to_bytes(2) in received
    assert server.hub.counts.closed_total == {3505: 1}


async def test_too_many_fragments_close_the_connection(server: Server) -> None:
    pieces = client_frame(Opcode.TEXT, b"", False) + client_frame(Opcode.CONT, b"", False) * 64
    received = await raw_close(server, HELLO, pieces)
    assert (3500).to_bytes(2) in received
    assert server.hub.counts.malformed_total == {"fragments": 1}


async def test_likes_over_the_limit_are_not_counted(server: Server) -> None:
    async with server.viewer() as viewer:
        for _ in range(4):
            await viewer.send(t="like", n=100)
        counters = (await viewer.receive_until(counters=None))["counters"]
        while counters["likes"] == 0:
            counters = (await viewer.receive_until(counters=None))["counters"]
        assert 200 <= counters["likes"] <= 240


# Frames


def client_frame(opcode: Opcode, payload: bytes, fin: bool = True) -> bytes:
    """A masked frame."""
    return Frame(opcode, payload, fin).serialize(mask=True)


@contextlib.asynccontextmanager
async def raw(
    server: Server, *frames: bytes, buffer: int = 0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A raw connection, after the handshake and these frames."""
    plain = socket.socket()
    if buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=2**16)
    try:
        writer.write(HANDSHAKE % (b"/ws", b"Sec-WebSocket-Protocol: linli.v1.json\r\n"))
        async with asyncio.timeout(WAIT_S):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(b"".join(frames))
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def raw_close(server: Server, *frames: bytes) -> bytes:
    """Send frames after a handshake; return all that is received until the end."""
    async with raw(server, *frames) as (reader, _), asyncio.timeout(WAIT_S):
        return await reader.read()


HELLO = client_frame(Opcode.TEXT, b'{"t":"hello","channel":"room:demo"}')


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([client_frame(Opcode.TEXT, b"x" * 4097)], 1009),
        ([client_frame(Opcode.TEXT, b"x" * 4000, False)] * 2, 1009),
        ([Frame(Opcode.TEXT, b"unmasked").serialize(mask=False)], 1002),
        ([client_frame(Opcode.CONT, b"no start")], 1002),
        ([b"\xf2\x80\0\0\0\0"], 1002),
        ([client_frame(Opcode.BINARY, b"{}")], 3500),
        ([client_frame(Opcode.TEXT, b"\xff\xfe")], 3500),
        ([client_frame(Opcode.TEXT, b"[" * 4000)], 3500),
    ],
)
async def test_invalid_frames_close_the_connection_with_their_code(
    server: Server, frames: list[bytes], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.0)
    received = await raw_close(server, *frames)
    assert code.to_bytes(2) in received
    assert sum(server.hub.counts.malformed_total.values()) == 1
    await wait_until(lambda: server.hub.counts.connections == 0)


async def test_fragmented_messages_may_have_pings_between(server: Server) -> None:
    text = json.dumps({"t": "hello", "channel": ROOM}).encode()
    received = await raw_close(
        server,
        client_frame(Opcode.TEXT, text[:5], False),
        client_frame(Opcode.PING, b"between"),
        client_frame(Opcode.CONT, text[5:20], False),
        client_frame(Opcode.CONT, text[20:]),
        client_frame(Opcode.CLOSE, (1000).to_bytes(2)),
    )
    assert b"\x8a\x07between" in received


# Slow viewers


class Chatter:
    """A host who chats a lot; staff's lines are never dropped."""

    def __init__(self, server: Server) -> None:
        self._hub = server.hub
        self._number = 0

    def more(self) -> bool:
        self._number += 1
        lines = tuple(line(f"c-{self._number}-{at}", "好" * 100, "host") for at in range(20))
        self._hub.on_batch(ROOM, Batch(lines))
        return True


async def test_chat_over_the_rate_is_sampled_but_echoed_to_its_sender(
    server: Server,
) -> None:
    async with server.viewer(token=server.token(GUEST)) as guest, server.viewer() as other:
        local = server.hub.room(ROOM)
        assert local is not None
        crowd = tuple(line(f"crowd-{number}") for number in range(200))
        server.hub.on_batch(ROOM, Batch(crowd))
        client = guest.welcome["client"]
        server.hub.on_batch(ROOM, Batch((line(f"{client}-1"), line("h-1", role="host"))))
        delivered: list[str] = []
        while "h-1" not in delivered:
            delivered += [line["id"] for line in (await other.receive_until(chat=None))["chat"]]
        own: list[str] = []
        while f"{client}-1" not in own:
            own += [line["id"] for line in (await guest.receive_until(chat=None))["chat"]]
        assert len(delivered) <= 22
    assert server.hub.counts.lossy_dropped_total >= 180


async def test_slow_viewer_loses_the_lossy_lane_then_gets_a_snapshot(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_room, "TICK_S", 0.001)
    async with server.viewer() as slow:
        counts, replica = server.hub.counts, Replica()
        replica.receive(slow.first)
        slow.socket.transport.pause_reading()
        chatter = Chatter(server)
        await wait_until(lambda: chatter.more() and counts.slow_thinned_total == 1, what="thinning")
        local = server.hub.room(ROOM)
        assert local is not None
        subscriber = local.audience.subscribers()[0]
        for left in range(3000):
            server.hub.on_events(
                ROOM,
                slow.first["epoch"],
                tuple(
                    StockChanged(o=left * 20 + at + 1, at_ms=1, product_id="p" * 60, left=left)
                    for at in range(20)
                ),
            )
            await asyncio.sleep(0.001)
            if subscriber.level is audience.Level.STALE:
                break
        assert subscriber.level is audience.Level.STALE
        slow.socket.transport.resume_reading()
        while replica.snapshots < 2:
            message = await slow.receive()
            replica.receive(message)
        assert counts.slow_snapshots_total == 1
        assert local.audience.subscribers()[0].level is audience.Level.FULL


async def test_viewer_that_stays_behind_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_room, "TICK_S", 0.001)
    monkeypatch.setattr(audience, "BEHIND_S_MAX", 0.2)
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.2)
    async with raw(server, HELLO, buffer=4096) as (reader, _):
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b"snapshot")
        counts = server.hub.counts
        chatter = Chatter(server)
        await wait_until(
            lambda: chatter.more() and counts.closed_total == {3008: 1}, what="the close"
        )
        await wait_until(lambda: counts.connections == 0, what="the cut")
        assert counts.slow_closed_total == 1
