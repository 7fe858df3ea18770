"""The local files of one recording, until the blob store has them. Blocking: one worker thread.

`index.jsonl`, `events.jsonl`, and chunks `*.m4s`; parts of a segment that is not complete are in
`tail.jsonl` and `tail`. What was written survives the end of the process at any point: `repair`
makes the index fit the files again.
"""

import contextlib
import os
import shutil
from pathlib import Path

from media.recording.index import Index, Placed
from media.wire import fmp4

INDEX, EVENTS = "index.jsonl", "events.jsonl"
TAIL_INDEX, TAIL = "tail.jsonl", "tail"
# The record and Valkey write to the same disk, and nothing is worth more than they are.
DISK_RESERVE_BYTES = 256 << 20


class DiskFull(OSError):
    """Less than the reserve is free."""


class Spool:
    """Files in `folder`, which is made by the first write."""

    def __init__(self, folder: Path, reserve_bytes: int = DISK_RESERVE_BYTES) -> None:
        self.folder = folder
        self._reserve_bytes = reserve_bytes
        self._files: dict[str, int] = {}  # name → descriptor
        self._chunk = ""

    def repair(self) -> Index:
        """Return the index of what is whole, after cutting off what is not.

        Raises:
            OSError, ValueError: The files cannot be used.
        """
        sizes = {path.name: path.stat().st_size for path in self.chunks()}
        text = b"".join(Index.parse(self._read(INDEX)).kept(sizes).lines())
        index = Index.parse(text)
        ends = dict.fromkeys(sizes, 0)
        for fragment, chunk, _ in index.fragments:
            ends[index.chunks[chunk]] = fragment.offset + fragment.length
        for name in sizes:
            with contextlib.suppress(FileNotFoundError):  # a chunk before the last is uploaded
                os.truncate(self.folder / name, ends[name])
        with contextlib.suppress(OSError):  # the disk is still full
            index = self._with_tail(text, index)
        for path in self.chunks():
            if path.stat().st_size == 0:
                path.unlink()
        with contextlib.suppress(OSError):
            if index.fragments:
                self.replace(INDEX, b"".join(index.lines()))
            for name in (TAIL_INDEX, TAIL):
                (self.folder / name).unlink(missing_ok=True)
        _cut_torn_line(self.folder / EVENTS)
        return index

    def _with_tail(self, text: bytes, index: Index) -> Index:
        """Append what is whole in the tail as a segment of its chunk."""
        tail, known = self._read(TAIL), len(index.fragments)
        both = Index.parse(text + self._read(TAIL_INDEX))
        parts = [
            fragment
            for fragment, _, _ in both.fragments[known:]
            if fragment.offset + fragment.length <= len(tail) and fragment.start >= index.end
        ]
        if not parts:
            return index
        pieces = [tail[each.offset : each.offset + each.length] for each in parts]
        data = fmp4.merged(known + 1, pieces)
        with (self.folder / both.chunks[-1]).open("ab") as file:
            offset = file.tell()
            file.write(data)
        end = parts[-1].start + parts[-1].duration
        whole = parts[0]._replace(offset=offset, length=len(data), duration=end - parts[0].start)
        both.fragments[known:] = [Placed(whole, len(both.chunks) - 1, len(both.epochs) - 1)]
        return both

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        return path.read_bytes() if path.is_file() else b""

    def chunks(self) -> list[Path]:
        """Return the chunks that are here, oldest first."""
        return sorted(self.folder.glob("*.m4s"))

    def append(self, lines: bytes, chunk: str, data: bytes) -> None:
        """Append to the index, then to a chunk; a chunk that was open before is closed.

        Raises:
            OSError: Not all of it was written; `DiskFull` is one.
        """
        if chunk != self._chunk:
            self.close_chunk()
            self._chunk = chunk
        if shutil.disk_usage(self._made()).free < self._reserve_bytes:
            raise DiskFull
        _write(self._file(INDEX), lines)
        _write(self._file(chunk), data)
        for name in (TAIL_INDEX, TAIL):
            os.ftruncate(self._file(name), 0)

    def append_tail(self, lines: bytes, data: bytes) -> None:
        """Append to the tail.

        Raises:
            OSError: As `append` does.
        """
        if shutil.disk_usage(self._made()).free < self._reserve_bytes:
            raise DiskFull
        _write(self._file(TAIL_INDEX), lines)
        _write(self._file(TAIL), data)

    def note(self, line: bytes) -> None:
        """Append to the events.

        Raises:
            OSError: Not all of it was written.
        """
        self._made()
        _write(self._file(EVENTS), line)

    def replace(self, name: str, data: bytes) -> None:
        """Write a file anew."""
        path = self._made() / f"{name}.new"
        path.write_bytes(data)
        path.replace(self.folder / name)

    def close_chunk(self) -> None:
        """Close the open chunk, and see that the disk has it."""
        descriptor = self._files.pop(self._chunk, None)
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._chunk = ""

    def close(self) -> None:
        """Close all files; idempotent."""
        self.close_chunk()
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def remove(self) -> None:
        """Close and delete everything."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _made(self) -> Path:
        if not self._files:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder

    def _file(self, name: str) -> int:
        if name not in self._files:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._files[name] = os.open(self.folder / name, flags, 0o600)
        return self._files[name]


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _cut_torn_line(path: Path) -> None:
    if path.is_file():
        data = path.read_bytes()
        os.truncate(path, data.rfind(b"\n") + 1)
