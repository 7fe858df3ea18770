"""A live's newest key frame becomes a small JPEG, made once however many ask."""

import asyncio
import io
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from media.errors import NotLive
from media.io.rtmp.listener import RtmpListener
from media.io.thumbnails import WIDTH_PX, KeyFrame, Thumbnails
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.stream.frames import Frame, SourcePacket, cut
from tests.support.media_peers import host, loopback_candidates
from tests.support.rtmp_publisher import HEIGHT, WIDTH, publishing
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    yield plane
    await plane.close()


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.format == "JPEG"
        image.load()
        return image.size


async def test_a_thumbnail_of_h264_is_made(plane: MediaPlane) -> None:
    async def authorize(address: str, key: str) -> str | None:
        return "demo"

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    async with publishing(f"rtmp://127.0.0.1:{listener.port}/live/key"):
        await wait_until(lambda: plane.roads.key_frame("demo"))
        jpeg = await Thumbnails(plane.roads).jpeg("demo")
    assert size_of(jpeg) == (WIDTH_PX, WIDTH_PX * HEIGHT // WIDTH)
    await listener.close()


async def test_a_thumbnail_of_a_browser_hosts_video_is_made(plane: MediaPlane) -> None:
    async def publish(offer: str) -> str:
        return (await plane.publish("demo", offer, takeover=True)).answer

    async with host(publish):
        await wait_until(lambda: plane.roads.key_frame("demo"))
        width, _ = size_of(await Thumbnails(plane.roads).jpeg("demo"))
        assert width == WIDTH_PX


async def test_a_thumbnail_of_vp8_is_made() -> None:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 640, 480, "yuv420p"
    encoder.time_base = Fraction(1, 15)
    frame = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 99, dtype=np.uint8), format="rgb24")
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    pieces = [data[at : at + 100] for at in range(0, len(data), 100)]
    packets = [
        SourcePacket(at, 0, piece is pieces[-1], (b"\0" if at else b"\x10") + piece)
        for at, piece in enumerate(pieces)
    ]
    lives = OneKeyFrame(0)
    lives.found = KeyFrame("VP8", Frame(0, True, tuple(cut(packets)), len(packets)), 1, 0)
    assert size_of(await Thumbnails(lives).jpeg("demo")) == (WIDTH_PX, 240)


async def test_a_room_that_is_not_live_has_none(plane: MediaPlane) -> None:
    with pytest.raises(NotLive):
        await Thumbnails(plane.roads).jpeg("demo")


class OneKeyFrame:
    """A live with one key frame that cannot be decoded."""

    def __init__(self, age_s: float) -> None:
        runs = tuple(cut([SourcePacket(1, 0, True, b"\x65garbage")]))
        self.found = KeyFrame("H264", Frame(0, True, runs, 1), 1, age_s)
        self.requested = 0

    def key_frame(self, room_id: str) -> KeyFrame | None:
        return self.found

    def request_key_frame(self, room_id: str) -> None:
        self.requested += 1


async def test_what_cannot_be_decoded_is_no_thumbnail() -> None:
    thumbnails = Thumbnails(OneKeyFrame(0))
    answers = await asyncio.gather(
        *(thumbnails.jpeg("demo") for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in answers] == [NotLive] * 3


async def test_an_old_key_frame_has_a_new_one_requested() -> None:
    for age_s, requested in ((1.0, 0), (9.0, 1)):
        lives = OneKeyFrame(age_s)
        with pytest.raises(NotLive):
            await Thumbnails(lives).jpeg("demo")
        assert lives.requested == requested
