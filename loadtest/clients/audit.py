"""Audits of what a viewer received: RTP sequence numbers, room offsets, video freezes; and RTCP."""

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

# A frame that is shown for three times as long as the last 30 on average, and for 150 ms longer, is
# a freeze (W3C webrtc-stats, freezeCount). Before there are any, 25 frames a second are assumed.
FREEZE_FRAMES, FREEZE_TIMES, FREEZE_LONGER_S = 30, 3.0, 0.15
FRAME_S = 0.04
_REMB = struct.Struct("!BBHII4sII")
_RECEIVER_REPORT = struct.Struct("!BBHIIIIIII")
_TRANSPORT_FEEDBACK = struct.Struct("!BBHIIHHIH")
_ARRIVAL_TICKS_PER_S = 4_000
_REFERENCE_TICKS = 256
_RTCP_RR = 201


@dataclass(slots=True)
class SequenceAudit:
    """RTP packets of one stream; `take` runs of consecutive numbers, in order of arrival."""

    packets: int = 0
    missing: int = 0
    late: int = 0
    cycles: int = 0
    expected: int | None = None

    def take(self, first: int, count: int) -> None:
        """Count `count` packets numbered from `first` on."""
        self.packets += count
        if self.expected is not None:
            ahead = (first - self.expected) & 0xFFFF
            if ahead >= 0x8000:
                self.late += count
                self.missing = max(0, self.missing - count)
                return
            self.missing += ahead
            if first < self.expected:
                self.cycles += 1
        following = first + count
        self.cycles += following >> 16
        self.expected = following & 0xFFFF

    @property
    def highest(self) -> int:
        """The extended highest sequence number received (RFC 3550 §6.4.1)."""
        if self.expected is None:
            return 0
        return ((self.cycles << 16) + self.expected - 1) & 0xFFFFFFFF


def receiver_report(own_ssrc: int, ssrc: int, audit: SequenceAudit) -> bytes:
    """Return the RTCP receiver report of one stream (RFC 3550 §6.4.2), without LSR and DLSR."""
    lost = min(audit.missing, 0x7FFFFF)
    return _RECEIVER_REPORT.pack(0x81, _RTCP_RR, 7, own_ssrc, ssrc, lost, audit.highest, 0, 0, 0)


def remb(own_ssrc: int, ssrc: int, bits_per_s: int) -> bytes:
    """Return a REMB message (draft-alvestrand-rmcat-remb-03 §2.2) about one stream."""
    exponent = max(0, bits_per_s.bit_length() - 18)
    mantissa = bits_per_s >> exponent
    return _REMB.pack(0x8F, 206, 5, own_ssrc, 0, b"REMB", 1 << 24 | exponent << 18 | mantissa, ssrc)


def transport_feedback(
    own_ssrc: int, ssrc: int, count: int, arrivals: Sequence[tuple[int, int, float]]
) -> bytes:
    """Return transport-wide feedback number `count` (draft-holmer-rmcat-transport-wide-cc-01 §3.1).

    `arrivals` are runs of packets: first number, count, arrival time in seconds. Packets before a
    gap are left out, and pauses above 64 ms are cut to that.
    """
    reported = list(arrivals[-1:])
    for run in reversed(arrivals[:-1]):
        if (run[0] + run[1]) & 0xFFFF != reported[0][0]:
            break
        reported.insert(0, run)
    packets = sum(run[1] for run in reported)
    reference = round(reported[0][2] * _ARRIVAL_TICKS_PER_S) // _REFERENCE_TICKS
    before, deltas = reference * _REFERENCE_TICKS, bytearray()
    for _, many, at in reported:
        delta = min(0xFF, max(0, round(at * _ARRIVAL_TICKS_PER_S) - before))
        before += delta
        deltas += bytes((delta,)) + bytes(many - 1)
    deltas += bytes(-(packets + _TRANSPORT_FEEDBACK.size) % 4)
    return (
        _TRANSPORT_FEEDBACK.pack(
            0x8F,
            205,
            (_TRANSPORT_FEEDBACK.size + len(deltas)) // 4 - 1,
            own_ssrc,
            ssrc,
            reported[0][0],
            packets,
            (reference & 0xFFFFFF) << 8 | count & 0xFF,
            1 << 13 | packets,  # a run of small deltas
        )
        + deltas
    )


@dataclass(slots=True)
class FreezeAudit:
    """Pauses between frames."""

    freezes: int = 0
    longest_s: float = 0.0
    last: float | None = None
    _shown_s: deque[float] = field(default_factory=lambda: deque(maxlen=FREEZE_FRAMES))

    def frame(self, now: float) -> None:
        """Note the arrival of a frame, or of a part of one that came with the others."""
        if self.last is None:
            self.last = now
            return
        pause_s = now - self.last
        if not pause_s:
            return
        if pause_s > self.longest_s:
            self.longest_s = pause_s
        if self._shown_s and pause_s > FREEZE_LONGER_S and pause_s >= self.limit_s:
            self.freezes += 1
        self._shown_s.append(pause_s)
        self.last = now

    @property
    def limit_s(self) -> float:
        """How long a frame may be shown."""
        average_s = sum(self._shown_s) / len(self._shown_s) if self._shown_s else FRAME_S
        return max(FREEZE_TIMES * average_s, average_s + FREEZE_LONGER_S)

    def is_frozen(self, now: float) -> bool:
        """Whether the frame that is shown now is a freeze already."""
        return self.last is not None and now - self.last >= self.limit_s


@dataclass(slots=True)
class OffsetAudit:
    """Numbered events of one room connection (docs/protocol.md, "What a client keeps")."""

    epoch: str | None = None
    offset: int = 0
    events: int = 0
    gaps: int = 0
    duplicates: int = 0
    snapshots: int = 0

    def snapshot(self, epoch: str, offset: int) -> None:
        """The state was replaced."""
        self.epoch, self.offset = epoch, offset
        self.snapshots += 1

    def tick(self, epoch: str, offset: int, numbers: list[int]) -> None:
        """Events `numbers` arrived, in this order; the channel is at `offset`."""
        if self.epoch is None:
            return
        if epoch != self.epoch:
            self.gaps += 1
            self.epoch, self.offset = epoch, offset
            return
        for number in numbers:
            if number <= self.offset:
                self.duplicates += 1
                continue
            if number != self.offset + 1:
                self.gaps += 1
            self.offset = number
            self.events += 1
        if offset != self.offset:
            self.gaps += 1
            self.offset = max(self.offset, offset)
