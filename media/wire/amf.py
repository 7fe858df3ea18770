"""AMF0 (Adobe's Action Message Format, 2007): the values that RTMP commands and metadata carry.

Numbers are floats, objects and ECMA arrays are dicts, dates are milliseconds since 1970. What a
publisher never sends (references, typed objects, XML, AMF3) is refused.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from media.errors import MalformedRtmp

DEPTH_MAX = 8
ITEMS_MAX = 1_000  # of one object or array

AmfValue: TypeAlias = "float | bool | str | dict[str, AmfValue] | list[AmfValue] | None"

_NUMBER, _BOOLEAN, _STRING, _OBJECT = 0x00, 0x01, 0x02, 0x03
_NULL, _UNDEFINED, _ECMA_ARRAY, _OBJECT_END = 0x05, 0x06, 0x08, 0x09
_STRICT_ARRAY, _DATE, _LONG_STRING = 0x0A, 0x0B, 0x0C
_DOUBLE = struct.Struct("!d")


def decode(data: bytes) -> list[AmfValue]:
    """Return the values that `data` holds, one after the other.

    Raises:
        MalformedRtmp: It is cut short, nests deeper than `DEPTH_MAX`, or holds another type.
    """
    reader = _Reader(data)
    values = []
    while reader.at < len(data):
        values.append(reader.value(0))
    return values


def encode(*values: AmfValue) -> bytes:
    """Return `values` one after the other; ints are written as numbers."""
    return b"".join(_encode(value) for value in values)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def value(self, depth: int) -> AmfValue:
        if depth > DEPTH_MAX:
            raise MalformedRtmp("AMF nests too deep")
        marker = self._take(1)[0]
        if marker == _NUMBER:
            return self._double()
        if marker == _BOOLEAN:
            return self._take(1)[0] != 0
        if marker == _STRING:
            return self._text(2)
        if marker == _LONG_STRING:
            return self._text(4)
        if marker in (_NULL, _UNDEFINED):
            return None
        if marker == _OBJECT:
            return self._members(depth)
        if marker == _ECMA_ARRAY:
            self._take(4)  # how many, which encoders get wrong; the end marker counts
            return self._members(depth)
        if marker == _STRICT_ARRAY:
            return self._items(depth)
        if marker == _DATE:
            milliseconds = self._double()
            self._take(2)  # time zone, "should be 0"
            return milliseconds
        raise MalformedRtmp(f"AMF0 type {marker:#x} is not known")

    def _members(self, depth: int) -> dict[str, AmfValue]:
        members: dict[str, AmfValue] = {}
        while True:
            name = self._text(2)
            if not name and self._data[self.at : self.at + 1] == bytes([_OBJECT_END]):
                self.at += 1
                return members
            if len(members) >= ITEMS_MAX:
                raise MalformedRtmp("an AMF object has too many members")
            members[name] = self.value(depth + 1)

    def _items(self, depth: int) -> list[AmfValue]:
        count = int.from_bytes(self._take(4), "big")
        if count > ITEMS_MAX:
            raise MalformedRtmp("an AMF array has too many items")
        return [self.value(depth + 1) for _ in range(count)]

    def _double(self) -> float:
        value: float = _DOUBLE.unpack(self._take(8))[0]
        return value

    def _text(self, length_bytes: int) -> str:
        length = int.from_bytes(self._take(length_bytes), "big")
        return self._take(length).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise MalformedRtmp("AMF is cut short")
        taken = self._data[self.at : end]
        self.at = end
        return taken


def _encode(value: AmfValue) -> bytes:
    match value:
        case None:
            return bytes([_NULL])
        case bool():
            return bytes([_BOOLEAN, value])
        case int() | float():
            return bytes([_NUMBER]) + _DOUBLE.pack(value)
        case str():
            return _encode_text(value)
        case Mapping():
            members = b"".join(_name(name) + _encode(member) for name, member in value.items())
            return bytes([_OBJECT]) + members + _name("") + bytes([_OBJECT_END])
        case Sequence():
            items = b"".join(_encode(item) for item in value)
            return bytes([_STRICT_ARRAY]) + len(value).to_bytes(4, "big") + items
    raise TypeError(f"AMF0 has no type for {type(value).__name__}")


def _encode_text(value: str) -> bytes:
    text = value.encode()
    if len(text) > 0xFFFF:
        return bytes([_LONG_STRING]) + len(text).to_bytes(4, "big") + text
    return bytes([_STRING]) + len(text).to_bytes(2, "big") + text


def _name(name: str) -> bytes:
    text = name.encode()
    return len(text).to_bytes(2, "big") + text
