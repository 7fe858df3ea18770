"""VP8 frames out of RTP payloads (RFC 7741 section 4.2)."""

from collections.abc import Iterable

from media.errors import MalformedRtp


def frame_of(payloads: Iterable[bytes]) -> bytes:
    """Return the VP8 frame that complete payloads carry, in order.

    Raises:
        MalformedRtp: A payload descriptor is cut short.
    """
    return b"".join(payload[_descriptor_bytes(payload) :] for payload in payloads if payload)


def _descriptor_bytes(payload: bytes) -> int:
    size = 1
    if payload[0] & 0x80:  # X: extensions follow
        if len(payload) < 2:
            raise MalformedRtp("a VP8 descriptor is cut short")
        flags = payload[1]
        size = 2
        if flags & 0x80:  # I: a picture id of 7 or 15 bits
            size += 2 if payload[size : size + 1] >= b"\x80" else 1
        size += (flags >> 6 & 1) + bool(flags & 0x30)  # L, T or K
    if size >= len(payload):
        raise MalformedRtp("a VP8 descriptor is cut short")
    return size
