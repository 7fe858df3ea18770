"""The recordings of a worker: which lives are recorded, and how what was recorded is read."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog

from media.errors import BlobsAway, NoSuchBlob, NotPackaged
from media.io.hls.road import HlsRoad
from media.io.recording.live import Failure, LiveRecording, Workers
from media.io.recording.spool import EVENTS, INDEX
from media.recording.blobs import BlobStore
from media.recording.index import Index
from media.recording.replay import MovedPiece, Piece

INDEXES_KEPT_MAX = 32
# Another worker may still add to the recording.
INDEX_KEPT_S = 10.0
READ_BYTES = 256 << 10

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordingStats:
    """Gauges and counters."""

    active: int
    octets: int
    spool_octets: int
    uploads_failed: int
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """What a host is shown."""

    recording: bool
    failure: str | None
    storage_away: bool


class RecordingRoad:
    """Make it on the event loop; `recover` before anything is recorded; `close` it before HLS."""

    def __init__(self, hls: HlsRoad, blobs: BlobStore, folder: Path) -> None:
        """`folder` is the spool, on a local disk."""
        self._hls = hls
        self._writer = ThreadPoolExecutor(1, "recording")
        self._uploader = ThreadPoolExecutor(2, "blobs")
        self._reader = ThreadPoolExecutor(4, "replay")
        self._workers = Workers(blobs, folder, self._writer, self._uploader)
        self._lives: dict[tuple[str, str], LiveRecording] = {}
        self._indexes: OrderedDict[tuple[str, str], tuple[float, Index]] = OrderedDict()
        self._cleaners: set[asyncio.Task[None]] = set()

    # Recording

    async def recover(self) -> list[tuple[str, str]]:
        """Take up what the spool has of earlier runs; return rooms and lives.

        Whoever calls it then starts or finishes them.
        """
        found = sorted(self._workers.folder.glob("*/*"))
        recovered = []
        for path in found:
            room_id, live_id = path.parent.name, path.name
            recording = LiveRecording(self._workers, room_id, live_id)
            try:
                await recording.open(resumes=False)
            except (OSError, ValueError) as error:
                log.error("recording not recovered", live=live_id, error=str(error))
                continue
            self._lives[room_id, live_id] = recording
            recovered.append((room_id, live_id))
        return recovered

    async def start(self, room_id: str, live_id: str, *, resumes: bool) -> LiveRecording:
        """Record a live from now on; `resumes`: there may be something of it already.

        Raises:
            NotLive: Nobody publishes.
        """
        recording = self._lives.get((room_id, live_id))
        if recording is None:
            recording = LiveRecording(self._workers, room_id, live_id)
            try:
                await recording.open(resumes=resumes)
            except (OSError, ValueError) as error:
                log.error("recording not opened", live=live_id, error=str(error))
                recording.fail(Failure.DISK_ERROR)
            self._lives[room_id, live_id] = recording
            self._indexes.pop((room_id, live_id), None)
        try:
            recording.follow(self._hls.open(room_id))
        except NotPackaged:
            recording.fail(Failure.NOT_H264)
        return recording

    async def finish(self, room_id: str, live_id: str) -> Index | None:
        """The live is over; return what was recorded, or None if it was not."""
        recording = self._lives.get((room_id, live_id))
        if recording is None:
            return None
        index = await recording.finish()
        task = asyncio.create_task(self._forget_uploaded(recording), name="recording uploaded")
        self._cleaners.add(task)
        task.add_done_callback(self._cleaners.discard)
        return index

    def find(self, room_id: str, live_id: str) -> LiveRecording | None:
        """Return a recording that this worker still has to do with."""
        return self._lives.get((room_id, live_id))

    def status(self, room_id: str) -> RecordingStatus:
        """Return how the newest recording of a room stands."""
        mine = [each for (room, _), each in self._lives.items() if room == room_id]
        if not mine:
            return RecordingStatus(False, None, False)
        newest = mine[-1]
        return RecordingStatus(newest.recording, newest.failure, newest.storage_away)

    def stats(self) -> RecordingStats:
        """Return the figures."""
        workers = self._workers
        return RecordingStats(
            sum(each.recording for each in self._lives.values()),
            workers.octets,
            workers.spool_octets,
            workers.uploads_failed,
            {str(failure): count for failure, count in workers.failures.items()},
        )

    async def close(self) -> None:
        """Stop; the next start goes on from the spool. Idempotent."""
        for task in self._cleaners:
            task.cancel()
        for recording in self._lives.values():
            await recording.close()
        self._lives.clear()
        for pool in (self._writer, self._uploader, self._reader):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _forget_uploaded(self, recording: LiveRecording) -> None:
        await recording.uploaded.wait()
        key = recording.room_id, recording.live_id
        if self._lives.get(key) is recording:
            del self._lives[key]

    # Reading

    async def index(self, room_id: str, live_id: str) -> Index:
        """Return the index of a recording.

        Raises:
            NoSuchBlob: There is none.
            BlobsAway: Try again later.
        """
        key = room_id, live_id
        if (recording := self._lives.get(key)) is not None:
            return recording.index
        if key in self._indexes:
            read_at, index = self._indexes[key]
            if monotonic() - read_at < INDEX_KEPT_S:
                self._indexes.move_to_end(key)
                return index
        index = await self._read(self._parsed_index, *key)
        self._indexes[key] = monotonic(), index
        while len(self._indexes) > INDEXES_KEPT_MAX:
            self._indexes.popitem(last=False)
        return index

    async def events(self, room_id: str, live_id: str) -> bytes:
        """Return the lines that were noted during a live; none if there is no recording.

        Raises:
            BlobsAway: Try again later.
        """
        if (recording := self._lives.get((room_id, live_id))) is not None:
            return await recording.events()
        try:
            key = f"{_prefix(room_id, live_id)}/{EVENTS}"
            return await self._read(self._workers.blobs.get, key)
        except NoSuchBlob:
            return b""

    async def read(
        self, room_id: str, live_id: str, plan: Sequence[bytes | Piece | MovedPiece]
    ) -> AsyncIterator[bytes]:
        """Yield the bytes of a plan (`ReplayFile.read_plan`), in pieces that are not large.

        Raises:
            NoSuchBlob, BlobsAway: The rest cannot be read.
        """
        for item in plan:
            if isinstance(item, bytes):
                yield item
                continue
            if isinstance(item, MovedPiece):
                chunk, start, length = item.fragment
                end = start + length
                yield item.of(await self._read(self._bytes, room_id, live_id, chunk, start, end))
                continue
            for start in range(item.offset, item.offset + item.length, READ_BYTES):
                end = min(start + READ_BYTES, item.offset + item.length)
                yield await self._read(self._bytes, room_id, live_id, item.chunk, start, end)

    async def delete(self, room_id: str, live_id: str) -> None:
        """Delete a recording that is finished.

        Raises:
            BlobsAway: Some of it may still be there.
        """
        self._indexes.pop((room_id, live_id), None)
        await self._read(self._workers.blobs.delete, _prefix(room_id, live_id))

    def _parsed_index(self, room_id: str, live_id: str) -> Index:
        """Runs on a reader thread: that of hours is parsed in some 20 ms."""
        return Index.parse(self._workers.blobs.get(f"{_prefix(room_id, live_id)}/{INDEX}"))

    def _bytes(self, room_id: str, live_id: str, chunk: str, start: int, end: int) -> bytes:
        """Runs on a reader thread: from the spool while the chunk is there."""
        path = self._workers.folder / room_id / live_id / chunk
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
            if len(data) < end - start:
                raise BlobsAway("not written yet")
            return data
        key = f"{_prefix(room_id, live_id)}/{chunk}"
        return self._workers.blobs.get_range(key, start, end)

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, call, *args)


def _prefix(room_id: str, live_id: str) -> str:
    return f"recordings/{room_id}/{live_id}"
