"""A part of a recording has a thumbnail: one of its own frames, decoded once however many ask."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from media.errors import NoSuchBlob
from media.io.blobs.files import FileBlobs
from media.io.hls.road import HlsRoad
from media.io.recording.live import LiveRecording
from media.io.recording.road import RecordingRoad
from media.io.recording.thumbnails import RecordingThumbnails
from media.io.thumbnails import WIDTH_PX
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from tests.support.recorded_lives import FPS, FilmedStream
from tests.support.waiting import WAIT_S

SECONDS = 12


class CountingBlobs(FileBlobs):
    """Counts what is read."""

    read = 0

    def get_range(self, key: str, start: int, end: int) -> bytes:
        self.read += 1
        return super().get_range(key, start, end)


@pytest.fixture
def blobs(tmp_path: Path) -> CountingBlobs:
    return CountingBlobs(tmp_path / "blobs")


@pytest.fixture
async def thumbnails(tmp_path: Path, blobs: CountingBlobs) -> AsyncIterator[RecordingThumbnails]:
    """Of a recording whose frames get brighter with their number."""
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    hls = HlsRoad(plane.roads)
    road = RecordingRoad(hls, blobs, tmp_path / "spool")
    stream, recording = FilmedStream(), LiveRecording(road._workers, "demo", "1")
    await recording.open(resumes=False)
    recording.follow(stream)
    stream.camera.film(SECONDS)
    await recording.finish()
    await asyncio.wait_for(recording.uploaded.wait(), WAIT_S)
    await recording.close()
    yield RecordingThumbnails(road)
    await road.close()
    hls.close()
    await plane.close()


async def test_the_thumbnail_of_a_part_is_a_key_frame_of_it(
    thumbnails: RecordingThumbnails,
) -> None:
    with Image.open(io.BytesIO(await thumbnails.jpeg("demo", "1", 4, 10))) as image:
        assert image.format == "JPEG" and image.size == (WIDTH_PX, 240)
        level = image.convert("L").getpixel((WIDTH_PX // 2, 120))
    assert isinstance(level, int)
    assert 4 * FPS <= level <= 6 * FPS + 4


async def test_a_thumbnail_is_made_once_however_many_ask(
    thumbnails: RecordingThumbnails, blobs: CountingBlobs
) -> None:
    asked = [thumbnails.jpeg("demo", "1", 4, 10) for _ in range(5)]
    assert len(set(await asyncio.gather(*asked))) == 1
    await thumbnails.jpeg("demo", "1", 4, 10)
    assert blobs.read == 1


async def test_a_part_without_a_frame_has_no_thumbnail(thumbnails: RecordingThumbnails) -> None:
    for live_id, start_s in (("1", SECONDS + 9), ("none", 0)):
        with pytest.raises(NoSuchBlob):
            await thumbnails.jpeg("demo", live_id, start_s, start_s + 5)


async def test_a_part_that_cannot_be_decoded_has_no_thumbnail(
    thumbnails: RecordingThumbnails, tmp_path: Path
) -> None:
    for chunk in (tmp_path / "blobs").rglob("*.m4s"):
        chunk.write_bytes(bytes(chunk.stat().st_size))
    with pytest.raises(NoSuchBlob):
        await thumbnails.jpeg("demo", "1", 4, 10)
