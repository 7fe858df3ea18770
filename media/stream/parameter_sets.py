"""The parameter sets of an H.264 stream, put before key frames that come without them.

An IDR cannot be decoded without its SPS and PPS. A host may have them in its SDP alone
(`sprop-parameter-sets`, RFC 6184 section 8.1) or send them once; viewers come later. Pure.
"""

from collections.abc import Iterable

from media.errors import MalformedRtp
from media.wire import h264
from media.wire.rtp import PAYLOAD_BYTES_MAX, Packet

SETS_MAX = 16
_FU_A, _FU_START = 28, 0x80
_SETS = frozenset((h264.SPS, h264.PPS))


class ParameterSets:
    """The newest sets of one stream; those in the stream replace those of its SDP."""

    def __init__(self, described: Iterable[bytes] = ()) -> None:
        """`described`: NAL units of the SDP."""
        self._units: dict[tuple[int, int], bytes] = {}  # by type and id: an SPS before a PPS
        self._timestamp: int | None = None
        self._sent: set[int] = set()  # types that the frame of `_timestamp` has
        for unit in filter(None, described):
            self._learn(unit)

    @property
    def complete(self) -> bool:
        """Whether a key frame can be decoded: an SPS and a PPS are known."""
        return {kind for kind, _ in self._units} == _SETS

    def before(self, packet: Packet) -> list[bytes]:
        """Take a packet of a key frame; return the payloads that must go before it.

        To be called with all packets of key frames, in order.
        """
        if packet.timestamp != self._timestamp:
            self._timestamp, self._sent = packet.timestamp, set()
        idr = False
        for unit in _units_in(packet.payload):
            kind = unit[0] & 31
            idr |= kind == h264.IDR
            if kind in _SETS:
                self._learn(unit)
                self._sent.add(kind)
        if not idr or self._sent >= _SETS or not self.complete:
            return []
        self._sent |= _SETS
        return h264.payloads([self._units[key] for key in sorted(self._units)], PAYLOAD_BYTES_MAX)

    def _learn(self, unit: bytes) -> None:
        kind = unit[0] & 31
        # Behind profile, constraints and level; a PPS begins with its id.
        number = _golomb(unit[4:] if kind == h264.SPS else unit[1:])
        if number is None or kind not in _SETS:
            return
        key = (kind, number)
        if key in self._units or len(self._units) < SETS_MAX:
            self._units[key] = unit


def _units_in(payload: bytes) -> list[bytes]:
    """Return the NAL units of a payload; of a fragmented one its header, where it begins."""
    if len(payload) < 2:
        return []
    kind = payload[0] & 31
    if kind == _FU_A:
        begins = payload[1] & _FU_START
        return [bytes((payload[0] & 0xE0 | payload[1] & 31,))] if begins else []
    try:
        return h264.nal_units([payload])
    except MalformedRtp:
        return []


def _golomb(data: bytes) -> int | None:
    """Return the Exp-Golomb number (H.264 section 9.1) at the start; None: it is no id."""
    bits = "".join(f"{byte:08b}" for byte in data[:3])
    zeros = len(bits) - len(bits.lstrip("0"))
    end = 2 * zeros + 1
    return int(bits[zeros:end], 2) - 1 if end <= len(bits) and zeros < len(bits) else None
