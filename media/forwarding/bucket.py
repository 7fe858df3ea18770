"""A token bucket: how many of something one peer may have. Pure: `now` is monotonic seconds."""


class Bucket:
    """So many at once (`burst`), and so many a second (`per_s`)."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self._burst = self._tokens = burst
        self._at = 0.0

    def fill(self) -> None:
        """Something else begins: what it needs must not wait."""
        self._tokens = self._burst

    def take(self, *, now: float) -> bool:
        """Take one token; False: there is none."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
