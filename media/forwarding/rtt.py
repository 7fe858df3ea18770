"""Round-trip times to one peer: of its handshake, and of the reports that follow."""

RTT_S = 0.1  # until it is measured
RTT_S_MAX = 5.0
RTT_MIN_GROWTH = 1.02  # with each report, so that a path that became longer is noticed


class Rtt:
    """What was measured of one peer's path, in seconds."""

    def __init__(self) -> None:
        # The longest before the first packet of media: a single one may be short by luck.
        self.handshake_s = 0.0
        self.smoothed_s = RTT_S
        self.min_s = RTT_S  # of late; jitter is no reason to wait longer for a retransmit
        self.known = False  # a report was measured

    def on_handshake(self, rtt_s: float) -> None:
        """A STUN check or a flight of the handshake was answered, or is not after so long."""
        self.handshake_s = max(self.handshake_s, rtt_s)

    def on_answer(self, rtt_s: float) -> None:
        """Something was answered, at whatever time."""
        self.min_s = min(self.min_s, rtt_s)

    def on_report(self, rtt_s: float) -> None:
        """A report block answered one of our sender reports (RFC 3550 section 6.4.1)."""
        rtt_s = min(rtt_s, RTT_S_MAX)
        self.smoothed_s = (self.smoothed_s * 7 + rtt_s) / 8 if self.known else rtt_s
        self.min_s = min(rtt_s, self.min_s * RTT_MIN_GROWTH)
        self.known = True
