"""H.264 NAL units in RTP payloads and back (RFC 6184, packetization mode 1)."""

from collections.abc import Iterable, Sequence

from media.errors import MalformedRtp

NAL_BYTES_MAX = 4 << 20
IDR, SEI, SPS, PPS, ACCESS_UNIT_DELIMITER, FILLER = 5, 6, 7, 8, 9, 12
_STAP_A, _FU_A = 24, 28
_FU_START, _FU_END = 0x80, 0x40


def payloads(units: Sequence[bytes], bytes_max: int) -> list[bytes]:
    """Return RTP payloads of at most `bytes_max` that carry the NAL units of one access unit.

    Small neighbours share a STAP-A, one that is too long is cut into FU-As of about equal length.
    """
    out: list[bytes] = []
    small: list[bytes] = []
    small_bytes = 1
    for unit in units:
        if small and small_bytes + 2 + len(unit) > bytes_max:
            out.append(_aggregate(small))
            small, small_bytes = [], 1
        if 3 + len(unit) > bytes_max:
            out += [unit] if len(unit) <= bytes_max else _fragments(unit, bytes_max)
        else:
            small.append(unit)
            small_bytes += 2 + len(unit)
    if small:
        out.append(_aggregate(small))
    return out


def nal_units(payloads: Iterable[bytes]) -> list[bytes]:
    """Return the NAL units of an access unit whose RTP payloads are all there, in order.

    Raises:
        MalformedRtp: A payload is cut short, a fragment has no beginning, or its kind is not one
            of mode 1.
    """
    units: list[bytes] = []
    fragments: list[bytes] = []
    size = 0
    for payload in payloads:
        if not payload:
            continue
        kind = payload[0] & 31
        if fragments and kind != _FU_A:
            raise MalformedRtp("a fragmented NAL unit has no end")
        if 1 <= kind <= 23:
            units.append(payload)
        elif kind == _STAP_A:
            units += _split(payload)
        elif kind == _FU_A and len(payload) > 2:
            if payload[1] & _FU_START:
                fragments, size = [bytes([payload[0] & 0xE0 | payload[1] & 31])], 1
            elif not fragments:
                raise MalformedRtp("a fragmented NAL unit has no beginning")
            fragments.append(payload[2:])
            size += len(payload) - 2
            if size > NAL_BYTES_MAX:
                raise MalformedRtp("a NAL unit is too long")
            if payload[1] & _FU_END:
                units.append(b"".join(fragments))
                fragments = []
        else:
            raise MalformedRtp(f"a payload of NAL type {kind} cannot be read")
    if fragments:
        raise MalformedRtp("a fragmented NAL unit has no end")
    return units


def with_lengths(units: Iterable[bytes]) -> bytes:
    """Return NAL units as MP4 has them: each behind its length in four bytes."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    parts = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return bytes([importance | _STAP_A]) + parts


def _split(payload: bytes) -> list[bytes]:
    units, at = [], 1
    while at < len(payload):
        length = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + length]
        if not unit or len(unit) < length:
            raise MalformedRtp("an aggregated NAL unit is cut short")
        units.append(unit)
        at += 2 + length
    return units


def _fragments(unit: bytes, bytes_max: int) -> list[bytes]:
    body_bytes = len(unit) - 1
    count = -(-body_bytes // (bytes_max - 2))
    each = -(-body_bytes // count)
    out = []
    for at in range(1, len(unit), each):
        flags = _FU_START if at == 1 else 0
        if at + each >= len(unit):
            flags |= _FU_END
        head = bytes([unit[0] & 0xE0 | _FU_A, flags | unit[0] & 31])
        out.append(head + unit[at : at + each])
    return out
