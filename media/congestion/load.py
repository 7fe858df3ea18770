"""How busy a worker is, and what it sheds first so that those who watch stay well served.

Pure: times are seconds; `busy_s` is CPU time of the thread that sends.
"""

# Parts of one core. Work is shed in this order as they are passed.
FREQUENT_FEEDBACK_BUSY_MAX = 0.50
JOINS_BUSY_MAX = 0.90
RETRANSMITS_BUSY_MAX = 0.95
CHAT_BUSY_MAX = 0.98
# Browsers send transport-wide feedback every 62 ms; we read one in so long.
FEEDBACK_INTERVAL_S = 0.1
FEEDBACK_INTERVAL_BUSY_S = 0.24
SMOOTHING_WEIGHT = 0.5  # of the newest second


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
        self.busy += (newest - self.busy) * SMOOTHING_WEIGHT
        self._at, self._busy_s = now, busy_s

    @property
    def feedback_interval_s(self) -> float:
        """How often to read a viewer's transport-wide feedback."""
        if self.busy < FREQUENT_FEEDBACK_BUSY_MAX:
            return FEEDBACK_INTERVAL_S
        return FEEDBACK_INTERVAL_BUSY_S

    @property
    def accepts_viewers(self) -> bool:
        """Whether new viewers can be served as well as those who watch."""
        return self.busy < JOINS_BUSY_MAX

    @property
    def retransmits(self) -> bool:
        """Whether NACKs are answered."""
        return self.busy < RETRANSMITS_BUSY_MAX

    @property
    def sheds_chat(self) -> bool:
        """Whether the lossy lane of rooms (chat, likes, joins) is dropped."""
        return self.busy >= CHAT_BUSY_MAX
