"""The reader of requests, cut and garbled at will: the same answers, and never an exception."""

import asyncio
import itertools
from typing import Any

import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from server.net.connections import ConnectionTable
from server.net.protocol import http_protocol
from tests.support.fuzz_examples import examples

TURNS = 8
GARBAGE = [
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
    b"Host: x\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Upgrade: h2c\r\nConnection: upgrade\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"POST /%ff HTTP/1.0\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


class Pipe(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def write_eof(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the path and the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"%s %d;" % (scope["raw_path"], size)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def converse(parts: list[bytes]) -> tuple[Pipe, ConnectionTable]:
    """Send `parts` one after the other; return what was answered."""
    table = ConnectionTable(10, 10)
    config = uvicorn.Config(echo, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    pipe = Pipe()
    protocol = http_protocol(table)(config, ServerState(), {})  # type: ignore[call-arg] # uvicorn's
    protocol.connection_made(pipe)
    for part in parts:
        if not pipe.closed:
            protocol.data_received(part)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    table.sweep(asyncio.get_running_loop().time())
    protocol.connection_lost(None)
    return pipe, table


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Cut `data` at the given places."""
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places) if end > start]


@examples(60)
@given(
    st.lists(st.integers(-1, 300), min_size=1, max_size=5),
    st.lists(st.integers(0, 1 << 16), max_size=12),
)
def test_requests_are_answered_in_order_however_they_are_cut(
    sizes: list[int], at: list[int]
) -> None:
    data, expected = b"", b""
    for number, size in enumerate(sizes):
        if size < 0:
            data += b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number
        else:
            head = b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            data += head % (number, size) + b"\n" * size
        expected += b"/%d %d;" % (number, max(0, size))
    pipe, table = asyncio.run(converse([*cut(data, at), *[b""] * len(sizes)]))
    answers = pipe.written.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert b"".join(answer.partition(b"\r\n\r\n")[2] for answer in answers) == expected
    assert len(table) == 0


@examples(150)
@given(st.lists(st.sampled_from(GARBAGE) | st.binary(max_size=40), max_size=10))
def test_whatever_comes_is_answered_or_refused(parts: list[bytes]) -> None:
    pipe, table = asyncio.run(converse([part for part in parts if part]))
    assert pipe.written == b"" or pipe.written.startswith(b"HTTP/1.1 ")
    assert len(table) == 0
