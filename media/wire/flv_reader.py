"""FLV tags out of a stream of bytes, as `flv_tags` writes them. Pure."""

from typing import NamedTuple

from media.errors import MalformedFlv

_FILE_HEADER_BYTES = 13
_TAG_HEADER_BYTES = 11
_SIZE_BYTES = 4


class Tag(NamedTuple):
    """One tag; its body is read by `flv.video` and `flv.audio`."""

    kind: int
    timestamp_ms: int
    body: bytes


class FlvReader:
    """State of one stream."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> list[Tag]:
        """Take bytes; return the tags that are whole.

        Raises:
            MalformedFlv: The stream does not begin as FLV does.
        """
        kept = self._kept
        kept += data
        if not self._begun:
            if len(kept) < _FILE_HEADER_BYTES:
                return []
            if kept[:3] != b"FLV":
                raise MalformedFlv("the stream is not FLV")
            del kept[:_FILE_HEADER_BYTES]
            self._begun = True
        tags, at = [], 0
        while len(kept) - at >= _TAG_HEADER_BYTES:
            size = int.from_bytes(kept[at + 1 : at + 4], "big")
            end = at + _TAG_HEADER_BYTES + size
            if len(kept) < end + _SIZE_BYTES:
                break
            time = int.from_bytes(kept[at + 4 : at + 7], "big") | kept[at + 7] << 24
            tags.append(Tag(kept[at], time, bytes(kept[at + _TAG_HEADER_BYTES : end])))
            at = end + _SIZE_BYTES
        del kept[:at]
        return tags
