"""The time that the layers of a track share. Pure: `now` is monotonic seconds."""

# So long without a packet a track pauses as a whole. A layer without one while others go on was
# dropped by the host, which switches off layers that its uplink does not carry.
LAYER_DROPPED_S = 0.250


class Timeline:
    """Where the zero of their timestamps lies, and since when packets arrive without a pause."""

    def __init__(self, clock_hz: int, zero_at: float | None = None) -> None:
        """`zero_at`: when it was 0; None: with the first packet. See `program_time`."""
        self.clock_hz = clock_hz
        self.received_at = self.received_since = float("-inf")
        self._zero_at = zero_at

    def ticks(self, *, now: float) -> int:
        """Return the timestamp of now."""
        if self._zero_at is None:
            self._zero_at = now
        return round((now - self._zero_at) * self.clock_hz) + 1

    def on_packet(self, *, now: float) -> None:
        """A packet of a layer arrived."""
        if now - self.received_at > LAYER_DROPPED_S:
            self.received_since = now
        self.received_at = now
