"""Debian's simple-whip-client, which is GStreamer's webrtcbin, publishes to our server."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.running import running
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

SDP = {"Content-Type": "application/sdp"}
SIZE = (320, 240)
FRAMES = 10
# whip-client of Debian 12 does not start without it; see there.
LOOPBACK = Path(__file__).parents[1] / "support" / "loopback_whip_client.c"
LOOPBACK_NAME = "libgupnp-igd-1.0.so.4"
PICTURE = (
    f"videotestsrc is-live=true pattern=ball ! video/x-raw,width={SIZE[0]},height={SIZE[1]},"
    "framerate=15/1 ! videoconvert ! queue ! "
)
VIDEO = {
    "VP8": "vp8enc deadline=1 keyframe-max-dist=15 ! rtpvp8pay pt=96 ssrc=2 ! queue ! "
    "application/x-rtp,media=video,encoding-name=VP8,payload=96",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! "
    "video/x-h264,profile=constrained-baseline ! "
    "rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=96 ssrc=2 ! queue ! "
    "application/x-rtp,media=video,encoding-name=H264,payload=96",
}
SOUND = (
    "audiotestsrc is-live=true ! audioconvert ! audioresample ! queue ! opusenc ! "
    "rtpopuspay pt=100 ssrc=1 ! queue ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
)


@pytest.fixture
async def loopback(tmp_path: Path) -> Path:
    """The library that lets whip-client start, and keeps it on loopback."""
    compiler = shutil.which("cc")
    assert compiler, "a C compiler is missing; `make test` installs it with apt"
    library = tmp_path / LOOPBACK_NAME
    process = await asyncio.create_subprocess_exec(
        *(compiler, "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{LOOPBACK_NAME}"),
        *("-o", str(library), str(LOOPBACK)),
    )
    assert await process.wait() == 0
    return library


class Overheard:
    """Stands between a client and a server, and keeps what they say over HTTP."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._said: list[tuple[bytearray, bytearray]] = []

    @property
    def exchanges(self) -> list[tuple[str, int]]:
        """Methods and the statuses they were answered with, in the order of each connection."""
        return [
            (method.decode(), int(status))
            for asked, answered in self._said
            for method, status in zip(
                re.findall(rb"^([A-Z]+) \S+ HTTP/1\.[01]\r$", asked, re.MULTILINE),
                re.findall(rb"^HTTP/1\.[01] (\d+)", answered, re.MULTILINE),
                strict=False,
            )
        ]

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the client, until both have said all."""
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        asked, answered = bytearray(), bytearray()
        self._said.append((asked, answered))
        await asyncio.gather(
            _copy(reader, their_writer, asked), _copy(their_reader, writer, answered)
        )


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    try:
        while data := await reader.read(65_536):
            kept.extend(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def overheard(server_port: int) -> AsyncIterator[tuple[Overheard, int]]:
    """What is said to the server over the port that is yielded, too."""
    between = Overheard(server_port)
    listening = await asyncio.start_server(between.come, "127.0.0.1", 0)
    async with listening:
        yield between, listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_simple_whip_client_publishes_and_an_aiortc_viewer_sees_it(
    loopback: Path, tmp_path: Path, codec: str
) -> None:
    async with (
        running(tmp_path) as linli,
        httpx.AsyncClient(base_url=linli.url) as client,
        overheard(linli.port) as (between, port),
    ):
        token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
        url = f"http://127.0.0.1:{port}/live/demo/whip"

        async def state(wanted: str) -> bool:
            return bool((await client.get("/api/rooms/demo")).json()["state"] == wanted)

        async def play(offer: str) -> str:
            answer = await client.post("/live/demo/whep", content=offer, headers=SDP)
            assert answer.status_code == 201, answer.text
            return answer.text

        async with _whip_client(loopback, url, token, codec):
            await wait_until(lambda: state("live"), what="the live")
            async with viewer(play) as tracks:
                for _ in range(FRAMES):
                    frame = await next_frame(tracks["video"])
                assert (frame.width, frame.height) == SIZE
                async with asyncio.timeout(10):
                    await tracks["audio"].recv()
            await wait_until(lambda: "PATCH" in dict(between.exchanges), what="candidates")
        # Told to end, it says so to the server.
        await wait_until(lambda: state("paused"), what="the pause")
        said = between.exchanges
        assert said[0] == ("POST", 201)
        assert {status for method, status in said if method == "PATCH"} == {204}
        assert said[-1] == ("DELETE", 200)


@asynccontextmanager
async def _whip_client(library: Path, url: str, token: str, codec: str) -> AsyncIterator[None]:
    executable = shutil.which("whip-client")
    assert executable, "whip-client is missing; `make test` installs it with apt"
    paths = {"LD_LIBRARY_PATH": str(library.parent), "LD_PRELOAD": str(library)}
    process = await asyncio.create_subprocess_exec(
        *(executable, "--url", url, "--token", token, "--disable-colors"),
        *("--video", PICTURE + VIDEO[codec], "--audio", SOUND),
        env={**os.environ, **paths},
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
