"""The local files of one recording, until the blob store has them. Blocking: one worker thread.

`index.jsonl`, `events.jsonl`, and chunks `*.m4s`. What was written survives the end of the process
at any point: `repair` makes the index fit the files again.
"""

import contextlib
import os
import shutil
from pathlib import Path

from media.recording.index import Index

INDEX, EVENTS = "index.jsonl", "events.jsonl"
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
        try:
            text = (self.folder / INDEX).read_bytes()
        except FileNotFoundError:
            return Index()
        index = Index.parse(text)
        sizes = {path.name: path.stat().st_size for path in self.chunks()}
        kept = index.kept(sizes)
        ends = dict.fromkeys(sizes, 0)
        for fragment, chunk, _ in kept.fragments:
            ends[kept.chunks[chunk]] = fragment.offset + fragment.length
        for name, end in ends.items():
            if name in sizes and end:
                os.truncate(self.folder / name, end)
            elif name in sizes:
                (self.folder / name).unlink()
        with contextlib.suppress(OSError):  # the disk is still full
            self.replace(INDEX, b"".join(kept.lines()))
        _cut_torn_line(self.folder / EVENTS)
        return kept

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
