"""The port of the blob store: objects of bytes under keys such as `recordings/demo/1/index.jsonl`.

A file and an S3 implementation under `media/io/blobs/` pass one contract suite
(tests/contracts/test_blobs.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class BlobStore(Protocol):
    """Every call blocks: make it on a worker thread.

    An object is there whole or not at all. Every call raises `BlobsAway` when the store cannot be
    reached; whether the object was put is then unknown, and putting it again does no harm.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it."""
        ...

    def put_file(self, key: str, path: Path) -> None:
        """Write an object from a file, which may be gone afterwards."""
        ...

    def get(self, key: str) -> bytes:
        """Return a whole object; raises `NoSuchBlob`."""
        ...

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, which exist; raises `NoSuchBlob`."""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """Return the keys below `prefix` (a folder, without a slash at its end), sorted."""
        ...

    def delete(self, prefix: str) -> None:
        """Delete all objects below `prefix`, if there are any."""
        ...
