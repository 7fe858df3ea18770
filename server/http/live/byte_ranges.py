"""One byte range of a file that is made of pieces (RFC 9110 section 14)."""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.problem import Problem

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Range(NamedTuple):
    """From `start` up to `end`; the whole file is no part."""

    start: int
    end: int
    is_part: bool


def requested_range(request: Request, size: int, etag: str) -> Range:
    """Return what a request wants of a file; several ranges at once stand for the whole file.

    Raises:
        Problem: 416, it wants what lies beyond the end.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    whole = Range(0, size, False)
    if match is None or request.headers.get("if-range", etag) != etag:
        return whole
    first, last = match[1], match[2]
    if not first and not last:
        return whole
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "range-not-satisfiable", "Range not satisfiable.", headers=headers)
    return Range(start, end, True)


async def range_response(
    wanted: Range, size: int, pieces: AsyncIterator[bytes], headers: dict[str, str], media_type: str
) -> Response:
    """Answer with a range; its first piece is read before the answer begins, errors are raised."""
    headers = {
        **headers,
        "Accept-Ranges": "bytes",
        "Content-Length": str(wanted.end - wanted.start),
    }
    if wanted.is_part:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size}"
    first = await anext(pieces, b"")

    async def stream() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(stream(), 206 if wanted.is_part else 200, headers, media_type)
