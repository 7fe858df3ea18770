"""RTP packets of hosts (RFC 3550 section 5) and their key frames (RFC 6184, RFC 7741)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from media.errors import MalformedRtp

HEADER_BYTES = 12
# With our header of 20 bytes and a tag of 16 that is 1,472: UDP payload of an Ethernet frame.
PAYLOAD_BYTES_MAX = 1_436
_HEADER = struct.Struct("!BBHII")

_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000
_H264_IDR = 5
_H264_SPS = 7
_H264_PPS = 8
_H264_STAP_A = 24
_H264_FU_A = 28


class Packet(NamedTuple):
    """One RTP packet without its extensions and padding."""

    payload_type: int
    marker: bool
    sequence: int  # 16 bits
    timestamp: int  # 32 bits
    ssrc: int
    payload: bytes


def parse(raw: bytes) -> Packet:
    """Parse an unprotected RTP packet.

    Raises:
        MalformedRtp: Too short, another version, or lengths that do not fit.
    """
    size = len(raw)
    if size < HEADER_BYTES:
        raise MalformedRtp("shorter than a header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(raw)
    if first >> 6 != 2:
        raise MalformedRtp("not version 2")
    start = HEADER_BYTES + 4 * (first & 15)
    if first & 0x10:
        if start + 4 > size:
            raise MalformedRtp("the extension is cut off")
        start += 4 + 4 * int.from_bytes(raw[start + 2 : start + 4], "big")
    end = size
    if first & 0x20:
        padding = raw[-1]
        if padding == 0 or start + padding > size:
            raise MalformedRtp("the padding is longer than the packet")
        end -= padding
    if start > end:
        raise MalformedRtp("the header is cut off")
    if end - start > PAYLOAD_BYTES_MAX:
        raise MalformedRtp("longer than we can forward in one datagram")
    return Packet(second & 0x7F, second > 127, sequence, timestamp, ssrc, raw[start:end])


def original_of(packet: Packet, payload_type: int) -> Packet | None:
    """Return the original of an rtx packet (RFC 4588 section 4); None: it is padding only."""
    if len(packet.payload) < 2:
        return None
    number = int.from_bytes(packet.payload[:2], "big")
    return packet._replace(payload_type=payload_type, sequence=number, payload=packet.payload[2:])


def extensions(raw: bytes) -> dict[int, bytes]:
    """Return the header extensions of a packet that `parse` took, by id (RFC 8285)."""
    if not raw[0] & 0x10:
        return {}
    at = HEADER_BYTES + 4 * (raw[0] & 15)
    profile = int.from_bytes(raw[at : at + 2], "big")
    end = at + 4 + 4 * int.from_bytes(raw[at + 2 : at + 4], "big")
    at += 4
    one_byte = profile == _ONE_BYTE_PROFILE
    if not one_byte and profile & 0xFFF0 != _TWO_BYTE_PROFILE:
        return {}
    found = {}
    while at < end:
        if raw[at] == 0:
            at += 1
            continue
        if one_byte:
            number, size, start = raw[at] >> 4, (raw[at] & 15) + 1, at + 1
            if number == 15:
                break
        elif at + 1 < end:
            number, size, start = raw[at], raw[at + 1], at + 2
        else:
            break
        at = start + size
        if at > end:
            break
        found[number] = raw[start:at]
    return found


def starts_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a decoder may start with this packet. `codec` is `H264` or `VP8`."""
    if codec == "H264":
        return _h264_key(payload)
    return _vp8_key(payload)


def _h264_key(payload: bytes) -> bool:
    if len(payload) < 2:
        return False
    kind = payload[0] & 31
    if kind == _H264_STAP_A:
        return any(unit in (_H264_SPS, _H264_IDR) for unit in _aggregated(payload))
    if kind == _H264_FU_A:
        return payload[1] & 0x9F == 0x80 | _H264_IDR
    return kind in (_H264_SPS, _H264_IDR)


def sets_parameters(payload: bytes) -> bool:
    """Whether an H.264 payload has an SPS or a PPS, which slices need to be decoded."""
    if len(payload) < 2:
        return False
    kind = payload[0] & 31
    units = _aggregated(payload) if kind == _H264_STAP_A else (kind,)
    return any(unit in (_H264_SPS, _H264_PPS) for unit in units)


def _aggregated(payload: bytes) -> Iterator[int]:
    """Types of the units in a STAP-A (RFC 6184 section 5.7.1); a delimiter may come first."""
    at = 1
    while at + 2 < len(payload):
        yield payload[at + 2] & 31
        at += 2 + int.from_bytes(payload[at : at + 2], "big")


def _vp8_key(payload: bytes) -> bool:
    """RFC 7741 sections 4.2 and 4.3: start of partition 0, and P of the frame header is 0."""
    if not payload or payload[0] & 0x10 == 0 or payload[0] & 0x0F:
        return False
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags = payload[1]
        at = 2
        if flags & 0x80:
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += (flags >> 6 & 1) + bool(flags & 0x30)
    return len(payload) > at and payload[at] & 1 == 0


def unwrap(sequence: int, near: int) -> int:
    """Return the number next to `near` whose low 16 bits are `sequence`."""
    return near + ((sequence - near + 0x8000) & 0xFFFF) - 0x8000
