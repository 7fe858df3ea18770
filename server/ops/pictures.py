"""Pictures that people send: re-encoded in a child process, kept as blobs in three sizes.

BadPicture      a picture that is refused, and why
"""

import asyncio
import hashlib
import re
import struct
import sys
from enum import StrEnum

from media.recording.blobs import BlobStore
from server.ops.children import die_with_parent
from server.ops.picture_child import SIDES, TOO_LARGE

BYTES_MAX = 10 * 1_048_576
TIMEOUT_S = 60.0
AT_A_TIME = 2  # processes; each may take a GiB
SHOWN_SIDE = 600
CLAIM = "claim-"  # pictures of a product whose id begins so are shown to nobody
_MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL)
_FILE = re.compile(r"[0-9a-f]{16}-(?:1200|600|200)\.webp")


class PictureProblem(StrEnum):
    """Why a picture is refused."""

    FORMAT = "format"  # neither JPEG, PNG nor WebP
    PIXELS = "pixels"
    BROKEN = "broken"  # not whole, or more work than a picture is


class BadPicture(Exception):
    """A picture that is refused."""

    def __init__(self, problem: PictureProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class Pictures:
    """Takes pictures of products and serves them."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._turn = asyncio.Semaphore(AT_A_TIME)

    async def put(self, product_id: str, data: bytes) -> str:
        """Keep a picture in all sizes; return the path by which pages load it.

        Raises:
            BadPicture: It is refused.
            BlobsAway: The blob store cannot be reached.
        """
        async with self._turn:
            encoded = await reencoded(data)
        name = hashlib.sha256(encoded[0]).hexdigest()[:16]
        for side, picture in zip(SIDES, encoded, strict=True):
            key = _key(product_id, f"{name}-{side}.webp")
            await asyncio.to_thread(self._blobs.put, key, picture)
        return f"/pictures/{product_id}/{name}-{SHOWN_SIDE}.webp"

    async def get(self, product_id: str, file: str) -> bytes | None:
        """Return one size of a picture, or None for a name that is none.

        Raises:
            NoSuchBlob: There is none of this name.
            BlobsAway: The blob store cannot be reached.
        """
        if not _FILE.fullmatch(file):
            return None
        return await asyncio.to_thread(self._blobs.get, _key(product_id, file))

    async def forget(self, product_id: str) -> None:
        """Delete all pictures of a product.

        Raises:
            BlobsAway: The blob store cannot be reached.
        """
        await asyncio.to_thread(self._blobs.delete, _folder(product_id))


def claim_photos_of(order_id: str) -> str:
    """Return under what photos of an order's claims lie, as pictures of products do."""
    return f"{CLAIM}{order_id}"


def claimed_order(name: str) -> str:
    """Return the order whose photos lie under this name; nothing for pictures of a product."""
    return name.removeprefix(CLAIM) if name.startswith(CLAIM) else ""


async def reencoded(data: bytes) -> list[bytes]:
    """Return a picture in the sizes of `SIDES`.

    Raises:
        BadPicture: It is no picture, has too many pixels, is not whole, or takes too much.
    """
    if not _MAGIC.match(data):
        raise BadPicture(PictureProblem.FORMAT)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.ops.picture_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate(data)
    except TimeoutError:
        raise BadPicture(PictureProblem.BROKEN) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == TOO_LARGE:
        raise BadPicture(PictureProblem.PIXELS)
    if process.returncode != 0:
        raise BadPicture(PictureProblem.BROKEN)
    return _split(output)


def _split(output: bytes) -> list[bytes]:
    found, at = [], 0
    for _ in SIDES:
        (length,) = struct.unpack_from(">I", output, at)
        found.append(output[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _folder(product_id: str) -> str:
    # An id may be "..", a key may not.
    return f"pictures/{hashlib.sha256(product_id.encode()).hexdigest()[:16]}"


def _key(product_id: str, file: str) -> str:
    return f"{_folder(product_id)}/{file}"
