"""Re-encodes one picture, from stdin to three WebP on stdout, in a process with limits.

It reads what strangers made: whatever a decoder can be brought to do ends with this process.
"""

import resource
import struct
import sys
from io import BytesIO

PIXELS_MAX = 40_000_000
SIDES = (1_200, 600, 200)  # pixels of the longer side
MEMORY_BYTES = 1 << 30
CPU_S = 30
FILES_MAX = 32
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP")
UNREADABLE, TOO_LARGE = 2, 3  # exit codes


def main() -> int:
    """Read, decode, write; the exit code says why not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        pictures = reencode(data)
    except OverflowError:
        return TOO_LARGE
    except Exception:
        return UNREADABLE
    for picture in pictures:
        sys.stdout.buffer.write(struct.pack(">I", len(picture)) + picture)
    return 0


def reencode(data: bytes) -> list[bytes]:
    """Return a picture in the sizes of `SIDES`, upright, as pixels and nothing else.

    Raises:
        OverflowError: It has more than `PIXELS_MAX` pixels; none was decoded.
        Exception: It is not whole, or of another format.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # ours is below, and an error
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > PIXELS_MAX:
            raise OverflowError
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        clear = upright.has_transparency_data
        pixels = upright.convert("RGBA" if clear else "RGB")
    found = []
    for side in SIDES:
        scaled = pixels.copy()
        scaled.thumbnail((side, side))
        scaled.info.clear()
        written = BytesIO()
        scaled.save(written, "WEBP", quality=QUALITY)
        found.append(written.getvalue())
    return found


if __name__ == "__main__":
    sys.exit(main())
