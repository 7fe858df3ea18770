"""HTTP-FLV from a real server: FFmpeg decodes what two hosts in a row send to one answer."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from server.app import Program, build
from server.net.protocol import http_protocol
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.media_peers import host, loopback_candidates
from tests.support.rtmp_publisher import HEIGHT, WIDTH, publishing
from tests.support.running import SHOP
from tests.support.serving import serving
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

FLV = "/live/demo.flv"


@dataclass
class Server:
    """A server on loopback, a viewer's client, and where an encoder publishes."""

    program: Program
    client: httpx.AsyncClient
    encoder: str
    token: str

    @property
    def live(self) -> bool:
        return self.program.services.media.is_live("demo")

    def viewers(self) -> int:
        return self.program.services.flv.stats().viewers

    async def negotiate(self, offer: str) -> str:
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {self.token}"}
        answer = await self.client.post("/live/demo/whip", content=offer, headers=headers)
        return answer.text


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = Settings(
        host="127.0.0.1", ice_port=0, ice_addresses=("127.0.0.1",), rtmp_port=0, data_dir=tmp_path
    )
    await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        http = http_protocol(program.services.connections)
        rtmp = program.services.rtmp
        assert rtmp is not None
        async with (
            serving(program.app, http=http) as url,
            httpx.AsyncClient(base_url=url, timeout=WAIT_S) as client,
        ):
            made = {"username": "chunjiang", "password": "a good password"}
            token = (await client.post("/api/login", json=made)).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            key = (await client.post("/api/rooms/demo/stream-key", headers=headers)).json()["key"]
            yield Server(program, client, f"rtmp://127.0.0.1:{rtmp.port}/live/{key}", token)
            program.services.flv.close()


async def read(answer: httpx.Response, into: bytearray, frames: int) -> None:
    """Read until so many more video tags came."""
    count = 0
    async for piece in answer.aiter_bytes():
        into += piece
        count += piece.count(b"\x27\x01") + piece.count(b"\x17\x01")
        if count >= frames:
            return


def decode(data: bytes) -> tuple[list[Any], list[Any]]:
    with av.open(io.BytesIO(data), "r", format="flv") as container:
        frames: list[Any] = list(container.decode())
    return (
        [frame for frame in frames if isinstance(frame, av.VideoFrame)],
        [frame for frame in frames if isinstance(frame, av.AudioFrame)],
    )


async def test_ffmpeg_decodes_an_encoders_live(server: Server) -> None:
    data = bytearray()
    async with publishing(server.encoder, b_frames=2):
        await wait_until(lambda: server.live)
        assert not server.viewers()
        async with server.client.stream("GET", FLV) as answer:
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == "video/x-flv"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            await read(answer, data, frames=30)
            assert server.viewers() == 1
    await wait_until(lambda: server.viewers() == 0)
    videos, sounds = decode(bytes(data))
    assert {(frame.width, frame.height) for frame in videos} == {(WIDTH, HEIGHT)}
    times = [frame.time for frame in videos]
    assert len(times) > 20 and max(b - a for a, b in pairwise(times)) < 0.5
    assert times == sorted(times)
    assert max(float(abs(frame.to_ndarray()).max()) for frame in sounds) > 0.2
    assert abs(sounds[-1].time - times[-1]) < 1.0


async def test_one_answer_goes_on_when_another_host_takes_over(server: Server) -> None:
    data = bytearray()
    async with server.client.stream("GET", FLV) as answer:
        assert answer.status_code == 409 and answer.headers["Retry-After"]
    async with host(server.negotiate):
        await wait_until(lambda: server.live)
        async with server.client.stream("GET", FLV) as answer, contextlib.AsyncExitStack() as stack:
            pieces = aiter(answer.aiter_bytes())
            data += await anext(pieces)
            await stack.enter_async_context(publishing(server.encoder))
            while data.count(b"\x17\x00") < 2 or data.count(b"\x27\x01") < 30:
                data += await anext(pieces)
    videos, _ = decode(bytes(data))
    assert {(160, 120), (WIDTH, HEIGHT)} == {(frame.width, frame.height) for frame in videos}


async def test_the_answer_ends_with_the_live_and_who_cannot_have_one_is_refused(
    server: Server,
) -> None:
    async with publishing(server.encoder):
        await wait_until(lambda: server.live)
        async with server.client.stream("GET", FLV) as answer:
            ended = False
            async for _ in answer.aiter_bytes():
                if not ended:
                    ended = True
                    await server.program.services.media.end("demo")
        assert ended
    assert (await server.client.head("/live/nowhere.flv")).status_code == 404
    assert (await server.client.options(FLV)).status_code == 200
    port = server.client.base_url.port
    assert port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /live/demo.flv HTTP/1.0\r\n\r\n")
    assert b" 505 " in (await reader.read()).split(b"\r\n")[0], "it does not know chunks"
    writer.close()
