"""How a re-encoding child hands back access units: length, key, time, then the units (Annex B)."""

import struct
from typing import NamedTuple

START_CODE = b"\0\0\0\1"
_HEAD = struct.Struct(">IBI")  # bytes of the unit, key, milliseconds


class EncodedFrame(NamedTuple):
    """One access unit, shown at `timestamp_ms` of the FLV stream."""

    key: bool
    timestamp_ms: int
    data: bytes

    def packed(self) -> bytes:
        """Return what `EncodedFrames.feed` reads."""
        head = _HEAD.pack(len(self.data), self.key, self.timestamp_ms & 0xFFFFFFFF)
        return head + self.data

    def nal_units(self) -> list[bytes]:
        """Return its NAL units."""
        data = self.data.replace(START_CODE, START_CODE[1:])
        return [unit for unit in data.split(START_CODE[1:]) if unit]


class EncodedFrames:
    """State of one child's output."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[EncodedFrame]:
        """Take bytes; return the frames that are whole."""
        self._kept += data
        out = []
        while len(self._kept) >= _HEAD.size:
            size, key, time = _HEAD.unpack_from(self._kept)
            end = _HEAD.size + size
            if len(self._kept) < end:
                break
            out.append(EncodedFrame(bool(key), time, bytes(self._kept[_HEAD.size : end])))
            del self._kept[:end]
        return out
