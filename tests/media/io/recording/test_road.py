"""A worker reads recordings that another worker makes."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media.errors import NoSuchBlob
from media.io.blobs.files import FileBlobs
from media.io.hls.road import HlsRoad
from media.io.recording import road as road_module
from media.io.recording.live import LiveRecording, Workers
from media.io.recording.road import INDEX_KEPT_S, RecordingRoad
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.recording.recorder import CHUNK_S
from tests.support.recorded_lives import FilmedStream
from tests.support.waiting import WAIT_S, wait_until


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[RecordingRoad]:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    hls = HlsRoad(plane.roads)
    road = RecordingRoad(hls, FileBlobs(tmp_path / "blobs"), tmp_path / "spool of the reader")
    yield road
    await road.close()
    hls.close()
    await plane.close()


async def test_a_recording_that_grows_on_another_worker_is_read_again(
    tmp_path: Path, reader: RecordingRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(road_module, "monotonic", lambda: now)
    blobs = FileBlobs(tmp_path / "blobs")
    workers = Workers(blobs, tmp_path / "spool", ThreadPoolExecutor(1), ThreadPoolExecutor(1))
    with pytest.raises(NoSuchBlob):
        await reader.index("demo", "1")
    stream, recording = FilmedStream(), LiveRecording(workers, "demo", "1")
    await recording.open(resumes=False)
    recording.follow(stream)
    stream.camera.film(CHUNK_S + 2)
    index = "recordings/demo/1/index.jsonl"
    await wait_until(lambda: index in blobs.keys("recordings/demo/1"))
    early = (await reader.index("demo", "1")).duration_s
    whole = await recording.finish()
    await asyncio.wait_for(recording.uploaded.wait(), WAIT_S)
    await recording.close()
    assert (await reader.index("demo", "1")).duration_s == early < whole.duration_s
    now += INDEX_KEPT_S
    assert (await reader.index("demo", "1")).duration_s == whole.duration_s
