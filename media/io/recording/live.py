"""The recording of one live: a follower of its HLS stream, so media is packaged once for both.

stream → Recorder → one writer thread → spool → uploads of closed chunks → blob store

A recording stops when the disk is full or so slow that `WAITING_BYTES_MAX` wait for it, or when the
blob store is away until the spool is full. The live goes on, and what was recorded stays.
"""

import asyncio
import contextlib
import errno
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from media.errors import BlobsAway, NoSuchBlob
from media.io.recording.spool import EVENTS, INDEX, DiskFull, Spool
from media.packaging.segmenter import Segmenter
from media.recording.blobs import BlobStore
from media.recording.index import Index
from media.recording.recorder import Recorder, TailWrite, Write

# Fragments that wait for the writer thread.
WAITING_BYTES_MAX = 32 << 20
# Of all recordings of a worker: about two hours of a live at 2 Mbit/s without the blob store.
SPOOL_BYTES_MAX = 2 << 30
EVENTS_BYTES_MAX = 32 << 20
UPLOAD_RETRY_S = (1.0, 30.0)  # at first, and at most
UPLOAD_SLOW_S = 20.0  # an upload that lasts longer is an alarm
_FULL = (errno.ENOSPC, errno.EDQUOT)

log = structlog.get_logger()

T = TypeVar("T")


class Failure(StrEnum):
    """Why a recording stopped before its live was over."""

    DISK_FULL = "disk-full"
    DISK_ERROR = "disk-error"
    DISK_SLOW = "disk-slow"
    SPOOL_FULL = "spool-full"
    NOT_H264 = "not-h264"


class PackagedStream(Protocol):
    """What is recorded: a live's HLS stream."""

    segmenter: Segmenter
    followers: list[Callable[[], None]]  # called whenever the segmenter has something new
    repeats_sets: bool  # set where an earlier header of the recording may not fit


class Workers:
    """What the recordings of a worker share: threads, the blob store, and counters."""

    def __init__(
        self,
        blobs: BlobStore,
        folder: Path,
        writer: Executor,
        uploader: Executor,
        spool_bytes_max: int = SPOOL_BYTES_MAX,
    ) -> None:
        self.blobs = blobs
        self.folder = folder
        self.writer = writer
        self.uploader = uploader
        self.spool_bytes_max = spool_bytes_max
        self.octets = 0
        self.spool_octets = 0
        self.uploads_failed = 0
        self.failures = dict.fromkeys(Failure, 0)


class LiveRecording:
    """`open` it, `follow` a stream, `finish` it once the live is over; all on the event loop."""

    def __init__(self, workers: Workers, room_id: str, live_id: str) -> None:
        self.room_id, self.live_id = room_id, live_id
        self.prefix = f"recordings/{room_id}/{live_id}"
        self.failure: Failure | None = None
        self.storage_away = False
        self.uploaded = asyncio.Event()  # everything, after `finish`
        self._workers = workers
        self._spool = Spool(workers.folder / room_id / live_id)
        self._recorder = Recorder(Index(), "")
        self._stream: PackagedStream | None = None
        self._waiting_octets = self._events_octets = 0
        self._closed: asyncio.Queue[str | None] = asyncio.Queue()  # names of chunks; None: the end
        self._open_chunk = ""
        self._broken = False  # only the writer thread has to do with it
        self._uploads: asyncio.Task[None] | None = None

    @property
    def index(self) -> Index:
        """What there is, up to now."""
        return self._recorder.index

    @property
    def recording(self) -> bool:
        """Whether it follows a stream."""
        return self._stream is not None

    def path_of(self, name: str) -> Path:
        """Where a chunk lies while the blob store has not got it."""
        return self._spool.folder / name

    async def open(self, *, resumes: bool) -> None:
        """Take up what is in the spool, else (`resumes`) what the blob store has of this live.

        Raises:
            OSError, ValueError: What is there cannot be read.
            BlobsAway: Nor can the blob store.
        """
        index = await self._write(self._spool.repair)
        if not index.chunks and resumes:
            index = await self._stored()
        chunks = await self._write(self._spool.chunks)
        self._recorder = Recorder(index, secrets.token_hex(4))
        for path in chunks:
            self._workers.spool_octets += path.stat().st_size
            self._closed.put_nowait(path.name)
        self._uploads = asyncio.create_task(self._upload(), name="upload of a recording")

    def follow(self, stream: PackagedStream) -> None:
        """Record what this stream makes from now on; idempotent."""
        if self._stream is stream or self.failure is not None:
            return
        self.unfollow()
        self._stream = stream
        stream.repeats_sets = bool(self.index.inits)
        stream.followers.append(self._on_change)
        self._on_change()

    def unfollow(self) -> None:
        """Record nothing more for now; idempotent."""
        if self._stream is not None and self._on_change in self._stream.followers:
            self._stream.followers.remove(self._on_change)
        self._stream = None

    def note(self, line: bytes) -> None:
        """Append a line to the events; beyond the limit it is left out."""
        if self.failure is not None or self._events_octets + len(line) > EVENTS_BYTES_MAX:
            return
        self._events_octets += len(line)
        self._submit(len(line), self._spool.note, line)

    async def events(self) -> bytes:
        """Return the lines that were noted.

        Raises:
            BlobsAway: They are in the blob store, which cannot be reached.
        """
        return await self._write(self._read_events)

    async def finish(self) -> Index:
        """End the recording; the rest is uploaded in the background, then the spool is removed."""
        self.unfollow()
        if self.failure is None:
            self._put(self._recorder.end_segment())
        name = await self._end_chunk()
        if self.failure is not None:
            await self._repair()  # before the upload, which takes the chunk away
        if name:
            self._closed.put_nowait(name)
        self._closed.put_nowait(None)
        return self.index

    async def close(self) -> None:
        """Stop without finishing: the next start takes it up from the spool."""
        self.unfollow()
        if self._uploads is not None:
            self._uploads.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._uploads
        with contextlib.suppress(OSError):
            await self._write(self._spool.close)

    def fail(self, failure: Failure) -> None:
        """Stop for good and say so; the live goes on."""
        if self.failure is None:
            self.failure = failure
            self._workers.failures[failure] += 1
            log.error("recording stopped", room=self.room_id, live=self.live_id, why=failure.value)
            self.unfollow()

    # Writing

    def _on_change(self) -> None:
        assert self._stream is not None
        segmenter = self._stream.segmenter
        self._put(self._recorder.take(segmenter))
        if self._waiting_octets > WAITING_BYTES_MAX:
            self.fail(Failure.DISK_SLOW)
        elif self._workers.spool_octets > self._workers.spool_bytes_max:
            self.fail(Failure.SPOOL_FULL)
        if segmenter.ended:
            self.unfollow()

    def _put(self, writes: Sequence[TailWrite | Write]) -> None:
        for write in writes:
            octets = len(write.lines) + len(write.data)
            if isinstance(write, TailWrite):
                self._submit(octets, self._spool.append_tail, *write)
                continue
            self._workers.octets += len(write.data)
            self._workers.spool_octets += len(write.data)
            if self._open_chunk and write.chunk != self._open_chunk:
                self._submit(0, self._spool.close_chunk, closes=self._open_chunk)
            self._open_chunk = write.chunk
            self._submit(octets, self._spool.append, *write)

    def _submit(
        self, octets: int, job: Callable[..., None], *args: object, closes: str = ""
    ) -> None:
        """Run a job on the writer thread, after those before it."""
        self._waiting_octets += octets
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._workers.writer, self._unless_failed, job, *args)

        def done(done: asyncio.Future[None]) -> None:
            self._waiting_octets -= octets
            if done.cancelled():
                return
            error = done.exception()
            if error is None:
                if closes:
                    self._closed.put_nowait(closes)
            elif isinstance(error, DiskFull) or getattr(error, "errno", None) in _FULL:
                self.fail(Failure.DISK_FULL)
            else:
                log.error("recording not written", error=str(error))
                self.fail(Failure.DISK_ERROR)

        future.add_done_callback(done)

    def _unless_failed(self, job: Callable[..., None], *args: object) -> None:
        """On the writer thread: a job after one that failed would leave a hole."""
        if self._broken:
            return
        try:
            job(*args)
        except OSError:
            self._broken = True
            raise

    async def _write(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers.writer, job)

    async def _end_chunk(self) -> str:
        name, self._open_chunk = self._open_chunk, ""
        self._recorder.end_chunk()
        try:
            await self._write(self._spool.close_chunk)
        except OSError as error:
            log.error("recording not written", error=str(error))
            self.fail(Failure.DISK_ERROR)
        return name

    async def _repair(self) -> None:
        """After a failure the index may speak of what was not written."""
        await self._write(self._spool.close)
        try:
            index = await self._write(self._spool.repair)
        except (OSError, ValueError) as error:
            log.error("recording not repaired", error=str(error))
            return
        self._recorder = Recorder(index, secrets.token_hex(4))

    # The blob store

    async def _stored(self) -> Index:
        try:
            return Index.parse(await self._upload_call(self._workers.blobs.get, INDEX))
        except NoSuchBlob:
            return Index()

    def _read_events(self) -> bytes:
        path = self._spool.folder / EVENTS
        if path.is_file():
            return path.read_bytes()
        try:
            return self._workers.blobs.get(f"{self.prefix}/{EVENTS}")
        except NoSuchBlob:
            return b""

    async def _upload(self) -> None:
        """Move closed chunks into the blob store, each followed by the index of then."""
        while (name := await self._closed.get()) is not None:
            path = self.path_of(name)
            if not path.is_file():
                continue
            size = path.stat().st_size
            await self._persist(self._workers.blobs.put_file, name, path)
            path.unlink(missing_ok=True)
            self._workers.spool_octets -= size
            await self._upload_index()
        await self._upload_index()
        events = await self.events()
        await self._persist(self._workers.blobs.put, EVENTS, events)
        await self._write(self._spool.remove)
        self.uploaded.set()

    async def _upload_index(self) -> None:
        """The index, up to the last fragment that the blob store has."""
        here = {path.name: 0 for path in self._spool.chunks()}
        index = b"".join(self.index.kept(here).lines())
        await self._persist(self._workers.blobs.put, INDEX, index)

    async def _persist(self, call: Callable[..., None], name: str, what: bytes | Path) -> None:
        """Try until the blob store takes it."""
        wait_s, longest_s = UPLOAD_RETRY_S
        while True:
            upload = asyncio.create_task(self._upload_call(call, name, what), name="upload")
            try:
                done, _ = await asyncio.wait({upload}, timeout=UPLOAD_SLOW_S)
                if not done:
                    self._warn_away("no answer yet")
                await upload
            except BlobsAway as error:
                self._workers.uploads_failed += 1
                self._warn_away(str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, longest_s)
            else:
                self.storage_away = False
                return
            finally:
                upload.cancel()

    def _warn_away(self, why: str) -> None:
        if not self.storage_away:
            log.error("blob store away, kept locally", live=self.live_id, why=why)
        self.storage_away = True

    async def _upload_call(self, call: Callable[..., T], name: str, *args: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._workers.uploader, call, f"{self.prefix}/{name}", *args
        )
