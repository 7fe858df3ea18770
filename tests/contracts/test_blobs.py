"""What every blob store does, whether a folder or a bucket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.errors import BlobsAway, NoSuchBlob
from media.io.blobs.files import FileBlobs
from media.io.blobs.s3 import S3Blobs
from media.recording.blobs import BlobStore
from tests.support.s3 import S3Server, s3_server

KEY = "recordings/demo/1/00000.m4s"


@pytest.fixture(params=["files", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    if request.param == "files":
        yield FileBlobs(tmp_path / "blobs")
        return
    async with s3_server() as server:
        yield S3Blobs(server.blob_url)


async def test_a_blob_store_keeps_what_was_put(blobs: BlobStore, tmp_path: Path) -> None:
    await asyncio.to_thread(_use, blobs, tmp_path)


def _use(blobs: BlobStore, folder: Path) -> None:
    for call in (blobs.get, lambda key: blobs.get_range(key, 0, 1)):
        with pytest.raises(NoSuchBlob):
            call(KEY)
    blobs.put(KEY, b"first")
    blobs.put(KEY, b"0123456789")
    assert blobs.get(KEY) == b"0123456789"
    assert blobs.get_range(KEY, 2, 5) == b"234"
    file = folder / "chunk"
    file.write_bytes(b"x" * 6_000_000)
    blobs.put_file("recordings/demo/1/00001.m4s", file)
    assert blobs.get_range("recordings/demo/1/00001.m4s", 5_999_998, 6_000_000) == b"xx"
    blobs.put("recordings/demo/10/index.jsonl", b"")
    assert blobs.keys("recordings/demo/1") == [KEY, "recordings/demo/1/00001.m4s"]
    blobs.delete("recordings/demo/1")
    blobs.delete("recordings/demo/1")
    assert blobs.keys("recordings") == ["recordings/demo/10/index.jsonl"]


async def test_a_blob_store_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    bucket = S3Blobs(S3Server().blob_url)
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    for blobs in (bucket, FileBlobs(folder)):
        with pytest.raises(BlobsAway):
            await asyncio.to_thread(blobs.put, KEY, b"data")


@pytest.mark.parametrize("url", ["https://bucket", "s3://", "s3://bucket?colour=red"])
def test_a_url_that_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        S3Blobs(url)
