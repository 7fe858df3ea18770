"""Which purchases a room is shown: at once after a quiet time, few while many buy or watch.

Times are of any one clock, in seconds. A purchase that is not shown is only counted, and the next
one that is shown says how many there were; nothing waits for its turn.
"""

from collections.abc import Sequence

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
KNOWN_MAX = 2_000
"""Orders that are remembered, so that none is shown or counted twice; beyond, the oldest go."""


class PurchaseSampler:
    """Of one channel in one worker. Call `receive` for each purchase, `take` for each tick."""

    __slots__ = ("_known", "_shown_at", "_skipped", "_skipped_at", "waiting")

    def __init__(self) -> None:
        self.waiting: Purchase | None = None
        self._shown_at = float("-inf")
        self._skipped = 0
        self._skipped_at = float("-inf")
        self._known: dict[str, None] = {}

    def receive(
        self, purchase: Purchase, order_ids: Sequence[str], viewers: int, *, now: float
    ) -> None:
        """Have the next tick show `purchase`, or only count it.

        Of the orders that come together it is the last one; what was received before is left out.
        """
        fresh = [each for each in order_ids if each not in self._known]
        if not fresh:
            return
        self._remember(fresh)
        if now - self._skipped_at > STALE_S:
            self._skipped = 0
        was_shown = fresh[-1] != order_ids[-1]
        if was_shown or now - self._shown_at < interval_s(viewers, self._skipped):
            self._skipped += len(fresh)
            self._skipped_at = now
            return
        if self.waiting is not None:
            self._skipped += 1 + self.waiting.others
        self.waiting = msgspec.structs.replace(purchase, others=self._skipped + len(fresh) - 1)
        self._shown_at = now
        self._skipped = 0

    def _remember(self, order_ids: Sequence[str]) -> None:
        self._known.update(dict.fromkeys(order_ids))
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def take(self) -> Purchase | None:
        """Return what the tick shows, once."""
        waiting, self.waiting = self.waiting, None
        return waiting


def interval_s(viewers: int, skipped: int) -> float:
    """Return the least time between two lines; it grows with the room and with its purchases."""
    return min(INTERVAL_S_MAX, INTERVAL_S_MIN + viewers / VIEWERS_PER_S + skipped / SKIPPED_PER_S)
