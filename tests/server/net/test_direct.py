"""Only plain GETs are answered before ASGI, in their order, at once or later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.net.connections import ConnectionTable
from server.net.direct import Reply, plain_get
from server.net.protocol import PIPELINED_BYTES_MAX, http_protocol
from tests.support.serving import serving
from tests.support.waiting import wait_until

HOST = b"Host: x\r\n"


def get(target: bytes, *fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n"


def test_a_plain_get_is_one_of_a_browser() -> None:
    head = get(
        b"/live/demo/hls/x/p1.2.m4s", b"Connection: keep-alive", b"Accept: */*", b"Cookie: a"
    )
    assert plain_get(head) == b"/live/demo/hls/x/p1.2.m4s"


@pytest.mark.parametrize(
    "head",
    [
        get(b"/live/demo/x", b"Content-Length: 5"),
        get(b"/live/demo/x", b"content-length : 5"),
        get(b"/live/demo/x", b"Transfer-Encoding: chunked"),
        get(b"/live/demo/x", b"Upgrade: websocket"),
        get(b"/live/demo/x", b"Connection: close"),
        get(b"/live/demo/x", b"Connection: keep-alive, close"),
        get(b"/live/demo/x", b"AUTHORIZATION: Bearer t"),
        get(b"/live/demo/x", b"Range: bytes=0-1"),
        get(b"/live/demo/x", b"If-None-Match: x"),
        get(b"/live/demo/x", b"Expect: 100-continue"),
        get(b"/live/demo/x", b"A: b\rContent-Length: 5"),
        get(b"/live/demo/x", b"A: b\nContent-Length: 5"),
        get(b"/live/demo/x", b"A: \0"),
        get(b"/live/" + b"a" * 600),
        get(b"/api/lives"),
        b"GET /live/demo/x HTTP/1.1\r\n\r\n",
        b"GET /live/demo/x HTTP/1.0\r\n" + HOST + b"\r\n",
        b"HEAD /live/demo/x HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /live/demo/x HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
def test_all_else_is_for_the_parser(head: bytes) -> None:
    assert plain_get(head) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(rest: bytes) -> None:
    target = plain_get(b"GET /live/" + rest)
    assert target is None or b"\n" not in target


@dataclass
class Site:
    """A server whose targets below /live/ are answered directly."""

    url: str = ""
    late: list[tuple[bytes, Reply]] = field(default_factory=list)

    def direct(self, target: bytes, reply: Reply) -> bool:
        if target.startswith(b"/live/late"):
            self.late.append((target, reply))
        elif target.startswith(b"/live/now"):
            send(reply, target)
        else:
            return False
        return True

    async def open(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = int(self.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        return reader, writer


def send(reply: Reply, body: bytes) -> None:
    reply(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body), body)


async def body(reader: asyncio.StreamReader) -> bytes:
    """Read one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return await reader.readexactly(int(length.partition(b":")[2]))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async def route(request: Request) -> Response:
        return PlainTextResponse(f"route {request.url.path}")

    it = Site()
    app = Starlette(routes=[Route("/{path:path}", route, methods=["GET"])])
    table = ConnectionTable(100, per_address_max=100)
    async with serving(app, http=http_protocol(table, direct=it.direct)) as url:
        it.url = url
        yield it


async def test_one_connection_has_direct_answers_and_those_of_routes_in_order(site: Site) -> None:
    targets = [b"/live/now1", b"/a", b"/live/late", b"/live/other", b"/live/now2", b"/live/now3"]
    reader, writer = await site.open(b"".join(map(get, targets)))
    assert await body(reader) == b"/live/now1"
    assert await body(reader) == b"route /a"
    await wait_until(lambda: site.late)
    send(site.late[0][1], b"came")
    assert await body(reader) == b"came"
    assert await body(reader) == b"route /live/other"
    assert await body(reader) == b"/live/now2"
    writer.write(get(b"/live/now4"))
    assert await body(reader) == b"/live/now3"
    assert await body(reader) == b"/live/now4"
    writer.close()


async def test_a_client_that_left_gets_nothing_and_breaks_nothing(site: Site) -> None:
    _, writer = await site.open(get(b"/live/late"))
    await wait_until(lambda: site.late)
    writer.transport.abort()
    reader, other = await site.open(get(b"/live/late"))
    await wait_until(lambda: len(site.late) == 2)
    for _, reply in site.late:
        send(reply, b"came")
    assert await body(reader) == b"came"
    other.close()


async def test_what_is_sent_while_an_answer_is_waited_for_is_bounded(site: Site) -> None:
    reader, writer = await site.open(get(b"/live/late"))
    await wait_until(lambda: site.late)
    writer.write(get(b"/live/now") * (PIPELINED_BYTES_MAX // 8))
    send_on = asyncio.create_task(_until_reset(writer))
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    await send_on


async def _until_reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await writer.drain()
