"""The handshake of the room WebSocket: origins, paths, subprotocols, and what is refused."""

import asyncio
import contextlib
import json

import pytest
import structlog
from websockets.frames import Frame, Opcode

from rooms.io.hub import RoomHub
from server.net.seldom import Seldom
from server.ws import handshake
from server.ws.wire import JSON, MSGPACK
from tests.support.raw_sockets import HANDSHAKE, PROTOCOL
from tests.support.room_hubs import Server, serving
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"


async def status(server: Server, path: bytes = b"/ws", headers: bytes = b"") -> tuple[int, str]:
    """Return the answer to a handshake: status, and head with body."""
    if b"Protocol" not in headers:
        headers += PROTOCOL
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HANDSHAKE % (path, headers))
    async with asyncio.timeout(WAIT_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        code = int(head.split()[1])
        body = "" if code == 101 else (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return code, head + body


async def test_a_socket_leaves_the_table_of_http_connections(server: Server) -> None:
    async with server.viewer(ROOM):
        assert len(server.table) == 0


async def test_what_is_sent_with_the_handshake_is_read(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    hello = Frame(Opcode.TEXT, json.dumps({"t": "hello", "channel": ROOM}).encode())
    writer.write(HANDSHAKE % (b"/ws", PROTOCOL) + hello.serialize(mask=True))
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
    request = HANDSHAKE % (b"/ws", PROTOCOL)
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
