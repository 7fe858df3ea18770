"""Pictures that people send, and that attackers send."""

import struct
import zlib
from io import BytesIO

from PIL import Image

TURNED = 6  # EXIF: the right-hand side is the top
ORIENTATION, ARTIST = 0x0112, 0x013B


def photo(size: tuple[int, int] = (1_600, 900)) -> bytes:
    """A JPEG as phones make them, which lies on its side and names somebody."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[ARTIST] = TURNED, "somebody"
    written = BytesIO()
    Image.new("RGB", size, "tomato").save(written, "JPEG", exif=exif)
    return written.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of few bytes that says to be `side` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
