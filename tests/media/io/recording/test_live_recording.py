"""A recording keeps what was written whatever happens to the disk, the blob store or the worker."""

import asyncio
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import pytest

from media.io.blobs.files import FileBlobs
from media.io.recording import live as live_module
from media.io.recording.live import Failure, LiveRecording, Workers
from media.recording.index import Index
from media.recording.recorder import CHUNK_S
from media.recording.replay import MovedPiece, Piece, ReplayFile
from tests.support.recorded_lives import FPS, FilmedStream
from tests.support.waiting import WAIT_S, wait_until


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def workers(tmp_path: Path, blobs: FileBlobs) -> Workers:
    return Workers(blobs, tmp_path / "spool", ThreadPoolExecutor(1), ThreadPoolExecutor(1))


@contextlib.asynccontextmanager
async def recording(workers: Workers, *, resumes: bool = False) -> AsyncIterator[LiveRecording]:
    made = LiveRecording(workers, "demo", "1")
    await made.open(resumes=resumes)
    yield made
    await made.close()


def stored_frames(blobs: FileBlobs) -> int:
    """How many frames of the recording in the blob store are decoded."""
    index = Index.parse(blobs.get("recordings/demo/1/index.jsonl"))
    file, data = ReplayFile(index), b""
    for item in file.read_plan(0, file.size):
        assert not isinstance(item, MovedPiece)
        if isinstance(item, Piece):
            key = f"recordings/demo/1/{item.chunk}"
            item = blobs.get_range(key, item.offset, item.offset + item.length)
        data += item
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))


async def test_a_finished_recording_is_in_the_blob_store_and_its_spool_is_gone(
    workers: Workers, blobs: FileBlobs, tmp_path: Path
) -> None:
    stream = FilmedStream()
    async with recording(workers) as made:
        made.follow(stream)
        stream.camera.film(CHUNK_S + 4)
        made.note(b'{"at_ms":1}\n')
        index = await made.finish()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
    assert len(index.chunks) == 2, "a chunk ends after a minute"
    assert stored_frames(blobs) == (CHUNK_S + 4) * FPS
    assert blobs.get("recordings/demo/1/events.jsonl") == b'{"at_ms":1}\n'
    assert not (tmp_path / "spool" / "demo" / "1").exists()
    assert workers.spool_octets == 0 and made.failure is None


async def test_a_recording_that_resumes_later_is_one_recording(
    workers: Workers, blobs: FileBlobs
) -> None:
    for resumes in (False, True):
        stream = FilmedStream()
        async with recording(workers, resumes=resumes) as made:
            made.follow(stream)
            assert stream.repeats_sets == resumes
            stream.camera.film(2)
            await made.finish()
            await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
    assert stored_frames(blobs) == 4 * FPS


async def test_while_the_blob_store_is_away_the_spool_keeps_everything(
    workers: Workers, blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "UPLOAD_RETRY_S", (0.01, 0.01))
    (tmp_path / "blobs").write_text("in its place")
    stream = FilmedStream()
    async with recording(workers) as made:
        made.follow(stream)
        stream.camera.film(CHUNK_S + 2)
        await wait_until(lambda: made.storage_away)
        stream.camera.film(2)
        await made.finish()
        assert made.failure is None and workers.uploads_failed
        (tmp_path / "blobs").unlink()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
        assert not made.storage_away
    assert stored_frames(blobs) == (CHUNK_S + 4) * FPS


async def test_a_full_spool_stops_the_recording_and_not_the_live(
    workers: Workers, blobs: FileBlobs
) -> None:
    workers.spool_bytes_max = 4_000
    stream = FilmedStream()
    async with recording(workers) as made:
        made.follow(stream)
        stream.camera.film(30)
        assert made.failure is Failure.SPOOL_FULL and not made.recording
        assert workers.failures[Failure.SPOOL_FULL] == 1
        assert len(stream.segmenter.segments) > 10, "the live went on"
        await made.finish()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
    assert 0 < stored_frames(blobs) < 30 * FPS


async def test_a_full_disk_stops_the_recording_and_keeps_what_was_written(
    workers: Workers, blobs: FileBlobs, tmp_path: Path
) -> None:
    stream = FilmedStream()
    async with recording(workers) as made:
        made.follow(stream)
        stream.camera.film(4)
        await made.events()  # behind what waits for the writer thread
        [chunk] = (tmp_path / "spool" / "demo" / "1").glob("*.m4s")
        written = chunk.stat().st_size
        # /dev/full answers writes as a full disk does; the descriptor of the chunk becomes its.
        full = os.open("/dev/full", os.O_WRONLY)
        for descriptor in made._spool._files.values():
            os.dup2(full, descriptor)
        os.close(full)
        stream.camera.film(4)
        await wait_until(lambda: made.failure is Failure.DISK_FULL)
        assert not made.recording and workers.failures[Failure.DISK_FULL] == 1
        index = await made.finish()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
    assert index.octets == written
    assert stored_frames(blobs) == 4 * FPS


async def test_the_reserve_of_the_disk_is_not_used(workers: Workers) -> None:
    stream = FilmedStream()
    async with recording(workers) as made:
        made._spool._reserve_bytes = 1 << 60
        made.follow(stream)
        stream.camera.film(2)
        await wait_until(lambda: made.failure is Failure.DISK_FULL)


async def test_after_kill_9_the_next_start_closes_the_index_and_all_of_it_plays(
    workers: Workers, blobs: FileBlobs, tmp_path: Path
) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.endless_recording", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while b"recorded 40" not in (line := await child.stdout.readline()):
            assert line, "it ended by itself"
    child.send_signal(signal.SIGKILL)
    await child.wait()
    async with recording(workers) as made:
        whole = len(made.index.fragments)
        await made.finish()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
    assert whole >= 40
    seconds = sum(each.fragment.duration for each in made.index.fragments) / 90_000
    assert stored_frames(blobs) == pytest.approx(seconds * FPS, abs=0.5)


async def test_a_blob_store_that_does_not_answer_is_an_alarm(
    workers: Workers, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "UPLOAD_SLOW_S", 0.01)
    answers = threading.Event()
    put_file = blobs.put_file

    def slow(key: str, path: Path) -> None:
        answers.wait(WAIT_S)
        put_file(key, path)

    monkeypatch.setattr(blobs, "put_file", slow)
    stream = FilmedStream()
    async with recording(workers) as made:
        made.follow(stream)
        stream.camera.film(2)
        await made.finish()
        await wait_until(lambda: made.storage_away)
        answers.set()
        await asyncio.wait_for(made.uploaded.wait(), WAIT_S)
        assert not made.storage_away and not workers.uploads_failed
    assert stored_frames(blobs) == 2 * FPS
