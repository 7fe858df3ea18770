"""Debian's simple-whip-client, which is GStreamer's webrtcbin, publishes to our server."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.running import Running
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

SIZE = (320, 240)
FRAMES = 10
# whip-client of Debian 12 does not start without it; see there.
LOOPBACK = Path(__file__).parents[1] / "support" / "loopback_whip_client.c"
LOOPBACK_NAME = "libgupnp-igd-1.0.so.4"
VIDEO_SOURCE = (
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
AUDIO_SOURCE = (
    "audiotestsrc is-live=true ! audioconvert ! audioresample ! queue ! opusenc ! "
    "rtpopuspay pt=100 ssrc=1 ! queue ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
)


@pytest_asyncio.fixture(loop_scope="session")
async def loopback(tmp_path: Path) -> Path:
    """The library that lets whip-client start, and keeps it on loopback."""
    compiler = shutil.which("cc")
    assert compiler, "a C compiler is missing; `make soak` installs it with apt"
    library = tmp_path / LOOPBACK_NAME
    process = await asyncio.create_subprocess_exec(
        *(compiler, "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{LOOPBACK_NAME}"),
        *("-o", str(library), str(LOOPBACK)),
    )
    assert await process.wait() == 0
    return library


class Recorder:
    """A TCP proxy between a client and a server that records their HTTP."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._connections: list[tuple[bytearray, bytearray]] = []

    @property
    def exchanges(self) -> list[tuple[str, int]]:
        """Methods and the statuses of their answers, in the order of each connection."""
        return [
            (method.decode(), int(status))
            for requests, answers in self._connections
            for method, status in zip(
                re.findall(rb"^([A-Z]+) \S+ HTTP/1\.[01]\r$", requests, re.MULTILINE),
                re.findall(rb"^HTTP/1\.[01] (\d+)", answers, re.MULTILINE),
                strict=False,
            )
        ]

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the client, until both have closed it."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        requests, answers = bytearray(), bytearray()
        self._connections.append((requests, answers))
        await asyncio.gather(
            _copy(reader, server_writer, requests), _copy(server_reader, writer, answers)
        )


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray
) -> None:
    try:
        while data := await reader.read(65_536):
            record.extend(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def recorded(server_port: int) -> AsyncIterator[tuple[Recorder, int]]:
    """Yield a recorder and the port at which it passes everything to the server."""
    recorder = Recorder(server_port)
    listening = await asyncio.start_server(recorder.connect, "127.0.0.1", 0)
    async with listening:
        yield recorder, listening.sockets[0].getsockname()[1]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_simple_whip_client_publishes_and_an_aiortc_viewer_sees_it(
    loopback: Path, linli: Running, codec: str
) -> None:
    async with recorded(linli.port) as (recorder, port):
        url = linli.whip.replace(f":{linli.port}/", f":{port}/")
        async with _whip_client(loopback, url, await linli.host_token(), codec):
            await wait_until(lambda: linli.is_in("live"), what="the live")
            async with viewer(linli.play) as tracks:
                for _ in range(FRAMES):
                    frame = await next_frame(tracks["video"])
                assert (frame.width, frame.height) == SIZE
                async with asyncio.timeout(WAIT_S):
                    await tracks["audio"].recv()
            await wait_until(lambda: "PATCH" in dict(recorder.exchanges), what="candidates")
        # When it is terminated, it deletes its session.
        await wait_until(lambda: linli.is_in("paused"), what="the pause")
        exchanges = recorder.exchanges
        assert exchanges[0] == ("POST", 201)
        assert {status for method, status in exchanges if method == "PATCH"} == {204}
        assert exchanges[-1] == ("DELETE", 200)


@asynccontextmanager
async def _whip_client(library: Path, url: str, token: str, codec: str) -> AsyncIterator[None]:
    executable = shutil.which("whip-client")
    assert executable, "whip-client is missing; `make soak` installs it with apt"
    paths = {"LD_LIBRARY_PATH": str(library.parent), "LD_PRELOAD": str(library)}
    process = await asyncio.create_subprocess_exec(
        *(executable, "--url", url, "--token", token, "--disable-colors"),
        *("--video", VIDEO_SOURCE + VIDEO[codec], "--audio", AUDIO_SOURCE),
        env={**os.environ, **paths},
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
