"""Puts a host's packets back in order, waiting a little for those that a repair may bring.

Pure: `now` is monotonic seconds. After `receive` and at `deadline`, take what `ready` returns.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

# How long a gap may hold up the live. Without a repair there is no picture until the next key
# frame, so ending the wait sooner would gain nothing: a repair may be lost two or three times.
REPAIR_S = 0.800
# Of sound nothing is repaired: this is for packets that overtake each other.
OVERTAKEN_S = 0.040
# A jump ahead that large is not loss: we go on behind it. Back we never go.
JUMP_MAX = 3_000
HELD_MAX = 1_500
FORGETS = 0.955  # a second

T = TypeVar("T")


class Reorder(Generic[T]):
    """Items by unwrapped sequence number; handed out once, in order, gaps skipped when overdue."""

    def __init__(self, patience_s: float = REPAIR_S) -> None:
        self._patience_s = patience_s
        self.expected: int | None = None
        self.blocked_s_max = 0.0  # the longest of late that a gap held up the live; see `forget`
        self._held: dict[int, tuple[T, float]] = {}  # with the time of arrival, earliest first

    @property
    def deadline(self) -> float | None:
        """When the oldest gap is given up, or None."""
        for _, arrived in self._held.values():
            return arrived + self._patience_s
        return None

    def receive(self, sequence: int, item: T, *, now: float) -> bool:
        """Take an item; False for one that is too late or came before."""
        if self.expected is None or sequence - self.expected > JUMP_MAX:
            self._held.clear()
            self.expected = sequence
        if sequence < self.expected or sequence in self._held:
            return False
        self._held[sequence] = (item, now)
        return True

    def ready(self, *, now: float) -> list[tuple[int, T]]:
        """Return what is in order now, skipping gaps that are overdue."""
        out: list[tuple[int, T]] = []
        while self._held:
            assert self.expected is not None
            while (held := self._held.pop(self.expected, None)) is not None:
                out.append((self.expected, held[0]))
                self.expected += 1
                self.blocked_s_max = max(self.blocked_s_max, now - held[1])
            deadline = self.deadline
            if deadline is None or (now < deadline and len(self._held) <= HELD_MAX):
                break
            self.expected = min(self._held)
        return out

    def blocked_s(self, *, now: float) -> float:
        """Return for how long a gap holds up the live now; 0: there is none."""
        for _, arrived in self._held.values():
            return now - arrived
        return 0.0

    def held(self) -> Iterator[tuple[int, T]]:
        """Yield what waits here, by number."""
        for sequence in sorted(self._held):
            yield sequence, self._held[sequence][0]

    def skip_to(self, sequence: int) -> None:
        """Nothing before `sequence` is needed any more."""
        assert self.expected is not None
        self.expected = max(self.expected, sequence)
        self._held = {at: held for at, held in self._held.items() if at >= sequence}

    def decay(self) -> None:
        """Call once a second: what held up the live counts half after a quarter of a minute."""
        self.blocked_s_max *= FORGETS

    def missing(self) -> list[int]:
        """Return the numbers that hold up the rest, oldest first."""
        if not self._held or self.expected is None:
            return []
        return [n for n in range(self.expected, max(self._held)) if n not in self._held]
