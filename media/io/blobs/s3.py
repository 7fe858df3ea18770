"""Blobs in a bucket: `s3://bucket/prefix?endpoint=https://…&region=…`.

Credentials are those of the URL (`s3://key:secret@bucket`), else of the environment as AWS' own
tools read it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from media.errors import BlobsAway, NoSuchBlob

if TYPE_CHECKING:
    from obstore.store import S3Config

TIMEOUT_S = 120  # a chunk of 32 MiB at 2 Mbit/s
RETRY_S = 10.0  # within one call; what failed is tried again later by who called
RETRIES_MAX = 3
OPTIONS: tuple[Literal["endpoint"], Literal["region"]] = ("endpoint", "region")


class S3Blobs:
    """A `BlobStore` in a bucket that exists."""

    def __init__(self, url: str) -> None:
        """Open nothing yet.

        Raises:
            ValueError: The URL does not name a bucket, or has options that are not known.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        if parts.scheme != "s3" or not parts.hostname:
            raise ValueError("a blob URL is s3://bucket/prefix?endpoint=…&region=…")
        if unknown := set(options) - set(OPTIONS):
            raise ValueError(f"a blob URL has no {sorted(unknown)[0]!r}")
        config: S3Config = {}
        for name in OPTIONS:
            if name in options:
                config[name] = options[name]
        if parts.username and parts.password:
            config["access_key_id"] = unquote(parts.username)
            config["secret_access_key"] = unquote(parts.password)
        plain = options.get("endpoint", "").startswith("http://")
        self._prefix = parts.path.strip("/")
        self._store = S3Store(
            parts.hostname,
            config=config,
            client_options={"allow_http": plain, "timeout": timedelta(seconds=TIMEOUT_S)},
            retry_config={
                "max_retries": RETRIES_MAX,
                "retry_timeout": timedelta(seconds=RETRY_S),
            },
        )

    def put(self, key: str, data: bytes) -> None:
        """See `BlobStore`."""
        with _failures(key):
            obstore.put(self._store, self._key(key), data, use_multipart=False)

    def put_file(self, key: str, path: Path) -> None:
        """See `BlobStore`."""
        self.put(key, path.read_bytes())

    def get(self, key: str) -> bytes:
        """See `BlobStore`."""
        with _failures(key):
            return bytes(obstore.get(self._store, self._key(key)).bytes())

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """See `BlobStore`."""
        with _failures(key):
            return bytes(obstore.get_range(self._store, self._key(key), start=start, end=end))

    def keys(self, prefix: str) -> Sequence[str]:
        """See `BlobStore`."""
        with _failures(prefix):
            found = [
                str(each["path"])
                for batch in obstore.list(self._store, prefix=self._key(prefix))
                for each in batch
            ]
        return sorted(key[len(self._prefix) :].lstrip("/") for key in found)

    def delete(self, prefix: str) -> None:
        """See `BlobStore`."""
        keys = [self._key(key) for key in self.keys(prefix)]
        with _failures(prefix):
            if keys:
                obstore.delete(self._store, keys)

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


@contextmanager
def _failures(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NoSuchBlob(key) from None
    except (BaseError, OSError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise BlobsAway(why) from None
