"""Which purchases a room is shown: at once after a quiet time, few while many buy or watch.

Times are of any one clock, in seconds. A purchase that is not shown is only counted, and the next
one that is shown says how many there were; nothing waits for its turn.
"""

import msgspec

from rooms.messages import Purchase

INTERVAL_S_MIN = 3.0
"""Least time between two that are shown in a small room."""
INTERVAL_S_MAX = 15.0
VIEWERS_PER_S = 250
"""So many viewers make the interval a second longer, since each of them is sent a line."""
SKIPPED_PER_S = 10
"""So many purchases since the last line do the same."""
STALE_S = 15.0
"""Purchases that were skipped longer ago than this are not counted any more."""


class PurchaseSampler:
    """Of one channel in one worker. Call `receive` for each purchase, `take` for each tick."""

    __slots__ = ("_shown_at", "_skipped", "_skipped_at", "waiting")

    def __init__(self) -> None:
        self.waiting: Purchase | None = None
        self._shown_at = float("-inf")
        self._skipped = 0
        self._skipped_at = float("-inf")

    def receive(self, purchase: Purchase, viewers: int, *, now: float) -> None:
        """Have the next tick show `purchase`, or only count it."""
        if now - self._skipped_at > STALE_S:
            self._skipped = 0
        if now - self._shown_at < interval_s(viewers, self._skipped):
            self._skipped += 1 + purchase.others
            self._skipped_at = now
            return
        if self.waiting is not None:
            self._skipped += 1 + self.waiting.others
        self.waiting = with_others(purchase, self._skipped)
        self._shown_at = now
        self._skipped = 0

    def take(self) -> Purchase | None:
        """Return what the tick shows, once."""
        waiting, self.waiting = self.waiting, None
        return waiting


def interval_s(viewers: int, skipped: int) -> float:
    """Return the least time between two lines; it grows with the room and with its purchases."""
    return min(INTERVAL_S_MAX, INTERVAL_S_MIN + viewers / VIEWERS_PER_S + skipped / SKIPPED_PER_S)


def with_others(purchase: Purchase, others: int) -> Purchase:
    """Return `purchase` with `others` more beside it."""
    return msgspec.structs.replace(purchase, others=purchase.others + others)
