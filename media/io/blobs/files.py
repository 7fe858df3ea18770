"""Blobs as files of a folder: the default."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from media.errors import BlobsAway, NoSuchBlob

_UNFINISHED = ".part"


class FileBlobs:
    """A `BlobStore` in `folder`, which is made when something is put."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        """See `BlobStore`."""
        path = self._path(key)
        with _failures():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = path.with_name(path.name + _UNFINISHED)
            unfinished.write_bytes(data)
            unfinished.replace(path)

    def put_file(self, key: str, path: Path) -> None:
        """See `BlobStore`; on the same file system it costs nothing."""
        target = self._path(key)
        with _failures():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                path.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                unfinished = target.with_name(target.name + _UNFINISHED)
                shutil.copyfile(path, unfinished)
                unfinished.replace(target)

    def get(self, key: str) -> bytes:
        """See `BlobStore`."""
        with _failures():
            return self._path(key).read_bytes()

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """See `BlobStore`."""
        with _failures(), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def keys(self, prefix: str) -> Sequence[str]:
        """See `BlobStore`."""
        found = (path for path in self._path(prefix).rglob("*") if path.is_file())
        return sorted(
            str(path.relative_to(self._folder)) for path in found if path.suffix != _UNFINISHED
        )

    def delete(self, prefix: str) -> None:
        """See `BlobStore`."""
        with _failures():
            if self._path(prefix).is_dir():
                shutil.rmtree(self._path(prefix))

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        assert all(part not in ("", ".", "..") for part in parts), "keys are ours"
        return self._folder.joinpath(*parts)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchBlob(str(error)) from None
    except OSError as error:
        raise BlobsAway(os.strerror(error.errno or 0)) from error
