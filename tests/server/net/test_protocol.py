"""Requests over real sockets: what is within limits is answered, all else costs little and ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from server.net.connections import ConnectionTable, RefusalReason
from server.net.protocol import http_protocol
from server.net.request_limits import RequestLimits
from tests.support.serving import serving
from tests.support.waiting import wait_until

LIMITS = RequestLimits()
LATER_S = 3_600.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_BYTES = 32 << 20


@dataclass
class Site:
    """A server with limits, and what its routes saw."""

    table: ConnectionTable
    requests: int = 0
    left_early: int = 0
    received: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def home(self, request: Request) -> Response:
        self.requests += 1
        return PlainTextResponse("home\n")

    async def echo(self, request: Request) -> Response:
        try:
            return Response(await request.body())
        except ClientDisconnect:
            self.left_early += 1
            raise

    async def wait(self, request: Request) -> Response:
        self.requests += 1
        await self.gate.wait()
        return PlainTextResponse("waited\n")

    async def large(self, request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(LARGE_BYTES >> 16):
                yield bytes(1 << 16)

        return StreamingResponse(parts())

    def sweep(self, after_s: float) -> None:
        """Look at all deadlines as if `after_s` seconds had passed."""
        self.table.sweep(asyncio.get_running_loop().time() + after_s)

    async def send(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writers.append(writer)
        writer.write(data)
        return reader, writer

    async def ask(self, data: bytes) -> bytes:
        """Send `data`; return all that comes until the server closes."""
        reader, _ = await self.send(data)
        return await reader.read()


writers: list[asyncio.StreamWriter] = []


@contextlib.asynccontextmanager
async def site(limits: RequestLimits = LIMITS, connections_max: int = 100) -> AsyncIterator[Site]:
    it = Site(ConnectionTable(connections_max, per_address_max=100))
    app = Starlette(
        routes=[
            Route("/", it.home, methods=["GET"]),
            Route("/echo", it.echo, methods=["POST"]),
            Route("/wait", it.wait, methods=["GET"]),
            Route("/large", it.large, methods=["GET"]),
        ],
        exception_handlers={ClientDisconnect: _gone},
    )

    class Observed(http_protocol(it.table, limits)):  # type: ignore[misc] # made per server
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            it.received += len(data)

    async with serving(app, http=Observed) as url:
        it.port = int(url.rpartition(":")[2])
        try:
            yield it
        finally:
            it.gate.set()
            for writer in writers:
                writer.transport.abort()
            writers.clear()


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 9_000,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 33_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 33_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
    ],
    ids=["line", "unfinished line", "head", "unfinished head", "fields", "unfinished fields"],
)
async def test_a_head_beyond_its_limits_is_refused_before_any_route(head: bytes) -> None:
    async with site() as it:
        answer = await it.ask(head)
        assert status(answer) == 431
        assert b"connection: close" in answer
        assert it.requests == 0
        assert it.table.refused[RefusalReason.HEAD_TOO_LARGE] == 1


async def test_a_head_within_its_limits_is_answered_however_it_is_cut() -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 280) for n in range(98))
    head = b"GET /?" + b"q" * 4_000 + b" HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n"
    async with site() as it:
        reader, writer = await it.send(b"\r\n\r\n")
        for at in range(0, len(head), 97):
            writer.write(head[at : at + 97])
            await writer.drain()
        assert status(await reader.readuntil(b"home\n")) == 200


async def test_a_head_without_end_costs_no_more_than_its_first_part() -> None:
    async with site() as it:
        _, writer = await it.send(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(64 << 4):
                writer.write(bytes(b"a" * (1 << 16)))
                await writer.drain()
        await wait_until(lambda: len(it.table) == 0)
        assert it.received < 1 << 20


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\n\n", b"GET / HTTP/1.1\nHost: x\n\n", b"GET http: HTTP/1.1\r\n\r\n"]
)
async def test_what_is_not_http_is_counted_and_refused(data: bytes) -> None:
    async with site() as it:
        assert status(await it.ask(data)) == 400
        assert it.table.refused[RefusalReason.MALFORMED] == 1


async def test_pipelined_requests_are_answered_one_at_a_time_and_in_order() -> None:
    async with site() as it:
        reader, _ = await it.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GET * 2)
        await wait_until(lambda: it.requests == 1)
        it.gate.set()
        for text in (b"waited\n", b"home\n", b"home\n"):
            assert status(await reader.readuntil(text)) == 200
        assert it.requests == 3


async def test_pipelined_requests_that_nobody_reads_stay_in_the_kernel() -> None:
    async with site() as it:
        _, writer = await it.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GET * 1_000)
        await wait_until(lambda: it.requests == 1)
        writer.write(GET * 500_000)
        for _ in range(20):
            await it.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert it.received < 512 * 1024
        assert it.requests == 21


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 70000\r\n\r\n" + b"b" * 70_000,
        b"Transfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"b" * 1_000 + b"\r\n0\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
async def test_a_body_is_read_whole(body: bytes) -> None:
    async with site() as it:
        reader, _ = await it.send(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert status(answer) == 200
        assert await reader.readexactly(body.count(b"b")) == b"b" * body.count(b"b")


async def test_requests_with_bodies_share_a_connection() -> None:
    one = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    async with site() as it:
        reader, _ = await it.send(one + b"abc" + one + b"def" + GET)
        for text in (b"abc", b"def", b"home\n"):
            assert status(await reader.readuntil(b"\r\n\r\n")) == 200
            assert await reader.readexactly(len(text)) == text


async def test_chunks_of_endless_overhead_end_the_connection() -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with site() as it:
        assert status(await it.ask(head + b"1;" + b"x" * 40_000)) == 400


async def test_an_answer_that_comes_before_its_body_leaves_the_connection_usable() -> None:
    async with site() as it:
        reader, writer = await it.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\nMethod Not Allowed")) == 405
        writer.write(b"123456789" + GET)
        assert status(await reader.readuntil(b"home\n")) == 200


@pytest.mark.parametrize(
    ("data", "late_s", "reason", "answered"),
    [
        (b"", LIMITS.head_s_max, RefusalReason.IDLE, 0),
        (b"GET / HTTP/1.1\r\nX", LIMITS.head_s_max, RefusalReason.SLOW_HEAD, 408),
        (GET, LIMITS.idle_s_max, RefusalReason.IDLE, 200),
        (
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n12",
            LIMITS.body_grace_s,
            RefusalReason.SLOW_BODY,
            408,
        ),
    ],
    ids=["silent", "slow head", "idle", "slow body"],
)
async def test_a_client_that_misses_a_deadline_is_closed(
    data: bytes, late_s: float, reason: RefusalReason, answered: int
) -> None:
    async with site() as it:
        reader, _ = await it.send(data)
        await wait_until(lambda: len(it.table) == 1 and it.received == len(data))
        head = await reader.readuntil(b"home\n") if answered == 200 else b""
        it.sweep(late_s - 1)
        assert it.table.refused[reason] == 0
        it.sweep(late_s + 1)
        answer = head + await reader.read()
        assert (status(answer) if answer else 0) == answered
        assert it.table.refused[reason] == 1
        it.sweep(LATER_S)
        await wait_until(lambda: len(it.table) == 0)


async def test_a_route_learns_that_its_client_was_too_slow() -> None:
    async with site() as it:
        data = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12"
        await it.send(data)
        await wait_until(lambda: it.received == len(data))
        it.sweep(LATER_S)
        await wait_until(lambda: it.left_early == 1)


async def test_a_client_that_waits_for_an_answer_has_no_deadline() -> None:
    async with site() as it:
        reader, _ = await it.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await wait_until(lambda: it.requests == 1)
        it.sweep(LATER_S)
        it.gate.set()
        assert status(await reader.readuntil(b"waited\n")) == 200


async def test_an_answer_that_nobody_reads_ends_the_connection() -> None:
    async with site() as it:
        reader, _ = await it.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

        def swept() -> bool:
            it.sweep(LIMITS.unread_s_max + 1)
            return it.table.refused[RefusalReason.UNREAD] == 1

        await wait_until(lambda: it.received > 0)
        await wait_until(swept)
        await wait_until(lambda: len(it.table) == 0)
        assert len(await reader.read()) < LARGE_BYTES


async def test_a_full_server_answers_503_until_an_idle_connection_can_be_closed() -> None:
    async with site(connections_max=2) as it:
        for _ in range(2):
            await it.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await wait_until(lambda: it.requests == 2)
        assert status(await it.ask(GET)) == 503
        it.gate.set()
        reader, _ = await it.send(GET)
        assert status(await reader.readuntil(b"home\n")) == 200
