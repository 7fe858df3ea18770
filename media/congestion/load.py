"""How busy a worker is, and what it gives up first, so that those who watch stay well served.

Pure: times are seconds; `busy_s` is CPU time of the thread that sends.
"""

COMFORTABLE_BELOW = 0.50
JOINS_STOP_AT = 0.90
REPEATS_STOP_AT = 0.95
CHATTER_STOPS_AT = 0.98
_SMOOTHING = 0.5  # weight of the newest second


class Load:
    """The part of a core that the sending thread used, smoothed over a few seconds."""

    def __init__(self, *, now: float, busy_s: float) -> None:
        self.busy = 0.0
        self._at, self._busy_s = now, busy_s

    def measure(self, *, now: float, busy_s: float) -> None:
        """Call about once a second."""
        elapsed = now - self._at
        if elapsed <= 0:
            return
        newest = min(1.0, (busy_s - self._busy_s) / elapsed)
        self.busy += (newest - self.busy) * _SMOOTHING
        self._at, self._busy_s = now, busy_s

    @property
    def arrivals_every_s(self) -> float:
        """How often to read what a viewer tells of arrivals; browsers tell it every 62 ms."""
        return 0.1 if self.busy < COMFORTABLE_BELOW else 0.24

    @property
    def takes_viewers(self) -> bool:
        """Whether newcomers can be served as well as those who watch."""
        return self.busy < JOINS_STOP_AT

    @property
    def repeats(self) -> bool:
        """Whether lost packets are sent again."""
        return self.busy < REPEATS_STOP_AT

    @property
    def chatter(self) -> bool:
        """Whether what may be lost is handed round, such as what guests say."""
        return self.busy < CHATTER_STOPS_AT
