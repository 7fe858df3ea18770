"""One RTP source of a host: its numbers, its jitter, its clock (RFC 3550).

Pure: `now` is monotonic seconds; timestamps are RTP ticks.
"""

from media.stream.reorder import JUMP_PACKETS_MAX, Reorder
from media.wire.reception import Reception
from media.wire.rtp import Packet, unwrap


class RtpSource:
    """One SSRC of a host, with its own sequence numbers and timestamps."""

    def __init__(self, first: Packet, clock_hz: int, patience_s: float) -> None:
        self.ssrc = first.ssrc
        self.begun = False
        self.sequence_delta = 0
        self.first_sent = 0  # the layer's number of its first packet, once it has begun
        self.timestamp_delta = 0
        self.reorder: Reorder[Packet] = Reorder(patience_s)
        self.newest = first.sequence + 0x10000
        self.first = self.newest
        self.received = 0
        self.jitter_ticks = 0.0
        self._clock_hz = clock_hz
        self._transit: int | None = None
        self._reported = (0, 0)  # expected and received as of the last report
        self._sender_report = (0, 0, 0.0)  # NTP time, its RTP timestamp, arrival

    def number_of(self, packet: Packet) -> int | None:
        """Return the unwrapped number of `packet`; None: it is of another source.

        A restarted host may keep its SSRC.
        """
        if packet.ssrc != self.ssrc:
            return None
        number = unwrap(packet.sequence, self.newest)
        return number if abs(number - self.newest) <= JUMP_PACKETS_MAX else None

    def receive(self, packet: Packet, number: int, *, now: float) -> None:
        """Take a packet of this source."""
        self.received += 1
        if number >= self.newest:
            self._measure_jitter(packet.timestamp, now)
        self.newest = max(self.newest, number)
        self.reorder.receive(number, packet, now=now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 section 6.4.1 and appendix A.8."""
        transit = round(now * self._clock_hz) - timestamp & 0xFFFFFFFF
        if self._transit is not None:
            difference = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self.jitter_ticks += (abs(difference) - self.jitter_ticks) / 16
        self._transit = transit

    def on_report(self, ntp_time: int, timestamp: int, *, now: float) -> None:
        """A sender report: `ntp_time` (64 bits) of the host's clock is its RTP `timestamp`."""
        self._sender_report = (ntp_time, timestamp, now)

    def captured_at(self, timestamp: int) -> float | None:
        """Return when, by the host's clock (s since 1900), the layer's `timestamp` was captured.

        None: there was no sender report yet.
        """
        ntp_time, reported, _ = self._sender_report
        if not ntp_time:
            return None
        ticks = timestamp - self.timestamp_delta - reported & 0xFFFFFFFF
        signed = (ticks + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return ntp_time / (1 << 32) + signed / self._clock_hz

    def report(self, *, now: float) -> Reception:
        """Return a report block; the fraction lost counts from the report before."""
        expected, received = self.newest - self.first + 1, self.received
        before_expected, before_received = self._reported
        self._reported = expected, received
        due = expected - before_expected
        lost = max(0, due - (received - before_received))
        ntp_time, _, arrived_at = self._sender_report
        last_report = ntp_time >> 16 & 0xFFFFFFFF
        return Reception(
            self.ssrc,
            min(255, lost * 256 // due) if due > 0 else 0,
            min(0x7FFFFF, max(0, expected - received)),
            self.newest - 0x10000 & 0xFFFFFFFF,
            round(self.jitter_ticks),
            last_report,
            round((now - arrived_at) * 65_536) & 0xFFFFFFFF if last_report else 0,
        )

    def timestamp_of(self, timestamp: int) -> int | None:
        """Return the layer's timestamp for a host's, once the source has begun."""
        return timestamp + self.timestamp_delta & 0xFFFFFFFF if self.begun else None
