"""GStreamer's two RTMP sinks publish, librtmp (as in OBS) and its own: FFmpeg and aiortc decode."""

import asyncio
import contextlib
import io
import shutil
from collections.abc import AsyncIterator

import av
import pytest
import pytest_asyncio

from media.io.flv.road import FlvRoad
from media.io.hls.road import HlsRoad
from media.io.rtmp.listener import RtmpListener
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.media_plane import ROOM, live, playing
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

GST = shutil.which("gst-launch-1.0")
WIDTH, HEIGHT, FPS = 320, 240, 25
FRAMES = 5 * FPS

pytestmark = pytest.mark.skipif(GST is None, reason="no gst-launch-1.0; it is an apt package")


@pytest_asyncio.fixture(loop_scope="session")
async def plane() -> AsyncIterator[MediaPlane]:
    """A media plane on the loop that the test runs on."""
    made = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",), grace_s=5))
    yield made
    await made.close()


class Kept:
    """An FLV viewer that keeps what it gets."""

    blocked = False

    def __init__(self) -> None:
        self.data = b""
        self.pieces = 0

    def open(self, chunk: bytes) -> None:
        self.write(chunk)

    def write(self, chunk: bytes) -> None:
        self.data += chunk.partition(b"\r\n")[2][:-2]
        self.pieces += 1

    def end(self) -> None:
        """The live is over."""


@contextlib.asynccontextmanager
async def gstreamer(sink: str, url: str, b_frames: int) -> AsyncIterator[None]:
    assert GST is not None
    tune = "" if b_frames else "tune=zerolatency "
    raw = f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    x264 = f"x264enc {tune}bframes={b_frames} key-int-max={FPS} speed-preset=ultrafast bitrate=300"
    pipeline = (
        f"flvmux name=mux streamable=true ! {sink} location={url} "
        f"videotestsrc is-live=true pattern=ball ! {raw} ! {x264} ! h264parse "
        "! queue ! mux. "
        "audiotestsrc is-live=true ! audioconvert ! audioresample ! avenc_aac ! aacparse ! queue ! "
        "mux."
    )
    process = await asyncio.create_subprocess_exec(
        GST,
        "-q",
        *pipeline.split(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def authorize(address: str, key: str) -> str | None:
    return ROOM if key == "key" else None


@pytest.mark.parametrize("sink", ["rtmpsink", "rtmp2sink"])
@pytest.mark.parametrize("b_frames", [0, 2])
async def test_both_sinks_of_gstreamer_publish(plane: MediaPlane, sink: str, b_frames: int) -> None:
    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    hls = HlsRoad(plane.roads)
    flv, kept = FlvRoad(hls), Kept()
    async with gstreamer(sink, f"rtmp://127.0.0.1:{listener.port}/live/key", b_frames):
        await wait_until(lambda: live(plane), what=str(listener.stats()))
        with flv.watching(ROOM, kept):
            await wait_until(lambda: kept.pieces > FRAMES)
    await wait_until(lambda: listener.stats().publishers == 0)
    with av.open(io.BytesIO(kept.data), "r", format="flv") as container:
        frames = list(container.decode())
    times = [frame.time for frame in frames if isinstance(frame, av.VideoFrame)]
    assert len(times) > FRAMES * 0.8 and times == sorted(times)
    assert any(isinstance(frame, av.AudioFrame) for frame in frames)
    flv.close()
    hls.close()
    await listener.close()


@pytest.mark.parametrize("sink", ["rtmpsink", "rtmp2sink"])
async def test_webrtc_viewers_decode_both_sinks_of_gstreamer(plane: MediaPlane, sink: str) -> None:
    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    async with gstreamer(sink, f"rtmp://127.0.0.1:{listener.port}/live/key", 0):
        await wait_until(lambda: live(plane), what=str(listener.stats()))
        async with viewer(playing(plane)) as tracks:
            frames = [await next_frame(tracks["video"]) for _ in range(FRAMES)]
            sound = await tracks["audio"].recv()
    assert {(frame.width, frame.height) for frame in frames} == {(WIDTH, HEIGHT)}
    assert isinstance(sound, av.AudioFrame)
    await listener.close()
