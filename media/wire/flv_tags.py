"""FLV tags (Adobe's FLV 10.1, annexes E.2 to E.4): written; their bodies are read in `flv`.

Times are milliseconds; a tag's timestamp is when its media is decoded.
"""

from enum import IntEnum

_HEADER_BYTES = 9
_SOUND = b"\xaf"  # AAC; its rate and channels are in its configuration
_CONFIGURATION, _FRAME = b"\x00", b"\x01"


class TagType(IntEnum):
    """What a tag carries."""

    AUDIO = 8
    VIDEO = 9


def file_header(*, has_video: bool, has_audio: bool) -> bytes:
    """Return what an FLV stream begins with."""
    flags = (0x01 if has_video else 0) | (0x04 if has_audio else 0)
    return b"FLV\x01" + bytes([flags]) + _HEADER_BYTES.to_bytes(4, "big") + bytes(4)


def tag(kind: TagType, timestamp_ms: int, body: bytes) -> bytes:
    """Return a tag and its size, which follows it."""
    time = timestamp_ms & 0xFFFFFFFF
    head = bytes([kind]) + len(body).to_bytes(3, "big")
    head += (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24]) + bytes(3)
    return head + body + (len(head) + len(body)).to_bytes(4, "big")


def avc_configuration(record: bytes) -> bytes:
    """Return the body with an AVCDecoderConfigurationRecord."""
    return b"\x17" + _CONFIGURATION + bytes(3) + record


def avc_unit(data: bytes, *, key: bool, composition_ms: int = 0) -> bytes:
    """Return the body of an access unit, whose NAL units have lengths of four bytes."""
    head = b"\x17" if key else b"\x27"
    return head + _FRAME + composition_ms.to_bytes(3, "big", signed=True) + data


def aac_configuration(record: bytes) -> bytes:
    """Return the body with an AudioSpecificConfig."""
    return _SOUND + _CONFIGURATION + record


def aac_frame(data: bytes) -> bytes:
    """Return the body of a raw AAC frame."""
    return _SOUND + _FRAME + data
