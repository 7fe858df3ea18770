"""Requests for lost packets, as a browser sends them: generic NACK (RFC 4585 §6.2.1) and RTX.

The rules are those of libwebrtc's NackRequester. Pure: `now` is monotonic seconds.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

REORDER_TOLERANCE_S = 0.01  # a packet that is late by less is reordered, not lost
RTT_S = 0.1  # until a repair shows how long one takes
RTT_S_MIN = 0.02  # the interval at which browsers look for what is due
RTT_WEIGHT = 1 / 8  # of a new sample (RFC 6298 §2.3)
REQUESTS_PER_PACKET_MAX = 10
# Above this a key frame is requested in place of packets; as many fit into one datagram.
MISSING_PACKETS_MAX = 250
_HALF = 0x8000
_FEEDBACK = struct.Struct("!BBHII")
_ENTRY = struct.Struct("!HH")
_RTPFB, _PSFB, _GENERIC_NACK, _PLI = 205, 206, 1, 1
_PADDING, _EXTENSION, _CSRCS = 0x20, 0x10, 0x0F


@dataclass(slots=True)
class _Request:
    """One missing packet."""

    due_at: float
    first_at: float = 0.0
    times: int = 0


@dataclass(slots=True)
class NackGenerator:
    """Missing packets of one stream. Call `due` while `missing` is not empty."""

    missing: dict[int, _Request] = field(default_factory=dict)
    rtt_s: float = RTT_S
    sent: int = 0  # NACK messages
    repaired: int = 0  # packets that arrived after a request
    key_frames: int = 0  # requests for one

    def on_gap(self, first: int, count: int, *, now: float) -> None:
        """`count` numbers from `first` on were skipped."""
        if count > MISSING_PACKETS_MAX:
            first, count = first + count - MISSING_PACKETS_MAX - 1, MISSING_PACKETS_MAX + 1
        for number in range(first, first + count):
            self.missing[number & 0xFFFF] = _Request(now + REORDER_TOLERANCE_S)

    def on_late(self, number: int, *, now: float) -> bool:
        """A packet came behind its successors; return whether it was missing."""
        request = self.missing.pop(number, None)
        if request is None:
            return False
        if request.times:
            self.repaired += 1
            # It is unknown which of several requests was answered; were it always the last one, a
            # high RTT would never be found.
            self.rtt_s += RTT_WEIGHT * (now - request.first_at - self.rtt_s)
        return True

    def due(self, *, now: float) -> list[int] | None:
        """Return which numbers to request now; None: too many, request a key frame instead."""
        if len(self.missing) > MISSING_PACKETS_MAX:
            self.missing.clear()
            self.key_frames += 1
            return None
        out, given_up = [], []
        for number, request in self.missing.items():
            if now < request.due_at:
                continue
            if request.times == REQUESTS_PER_PACKET_MAX:
                given_up.append(number)
                continue
            request.first_at = request.first_at or now
            request.times += 1
            request.due_at = now + max(RTT_S_MIN, self.rtt_s)
            out.append(number)
        for number in given_up:
            del self.missing[number]
        self.sent += bool(out)
        return out


def nack(own_ssrc: int, ssrc: int, numbers: Iterable[int]) -> bytes:
    """Return a generic NACK for 16-bit `numbers`, in the order in which they were sent."""
    entries: list[tuple[int, int]] = []
    for number in numbers:
        after = (number - entries[-1][0]) & 0xFFFF if entries else 0
        if 1 <= after <= 16:
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << after - 1)
        else:
            entries.append((number, 0))
    head = _FEEDBACK.pack(0x80 | _GENERIC_NACK, _RTPFB, 2 + len(entries), own_ssrc, ssrc)
    return head + b"".join(_ENTRY.pack(*entry) for entry in entries)


def picture_loss_indication(own_ssrc: int, ssrc: int) -> bytes:
    """Return a PLI (RFC 4585 §6.3.1)."""
    return _FEEDBACK.pack(0x80 | _PLI, _PSFB, 2, own_ssrc, ssrc)


def is_ahead(number: int, expected: int) -> bool:
    """Whether a 16-bit number is `expected` or after it (RFC 3550 appendix A.1)."""
    return (number - expected) & 0xFFFF < _HALF


def original_number(packet: bytes) -> int | None:
    """Return the number that an RTX packet repairs (RFC 4588 §4); None: it is padding alone."""
    begin = 12 + 4 * (packet[0] & _CSRCS)
    if packet[0] & _EXTENSION and len(packet) >= begin + 4:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & _PADDING else 0)
    return int.from_bytes(packet[begin : begin + 2], "big") if end - begin > 2 else None
