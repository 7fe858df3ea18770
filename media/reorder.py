"""Puts a host's packets back in order, waiting a little for those that a repair may bring.

Pure: `now` is monotonic seconds. After `receive` and at `deadline`, take what `ready` returns.
"""

from typing import Generic, TypeVar

# How long a gap may hold up the live. A repair needs one round trip of the host's line.
REPAIR_S = 0.120
# A jump that large is not loss but another stream or an attack; we start over behind it.
JUMP_MAX = 3_000
HELD_MAX = 1_500

T = TypeVar("T")


class Reorder(Generic[T]):
    """Items by unwrapped sequence number; handed out once, in order, gaps skipped when overdue."""

    def __init__(self) -> None:
        self.expected: int | None = None
        self._held: dict[int, T] = {}
        self._since = 0.0

    @property
    def deadline(self) -> float | None:
        """When the oldest gap is given up, or None."""
        return self._since + REPAIR_S if self._held else None

    def receive(self, sequence: int, item: T, *, now: float) -> bool:
        """Take an item; False for one that is too late or came before."""
        if self.expected is None or abs(sequence - self.expected) > JUMP_MAX:
            self._held.clear()
            self.expected = sequence
        if sequence < self.expected or sequence in self._held:
            return False
        if not self._held:
            self._since = now
        self._held[sequence] = item
        return True

    def ready(self, *, now: float) -> list[tuple[int, T]]:
        """Return what is in order now, skipping a gap that is overdue."""
        out: list[tuple[int, T]] = []
        while self._held:
            assert self.expected is not None
            while (item := self._held.pop(self.expected, None)) is not None:
                out.append((self.expected, item))
                self.expected += 1
            if not self._held:
                break
            if now < self._since + REPAIR_S and len(self._held) <= HELD_MAX:
                # What waits now waits for another gap than before.
                if out:
                    self._since = now
                break
            self.expected = min(self._held)
            self._since = now
        return out

    def missing(self) -> list[int]:
        """Return the numbers that hold up the rest, oldest first."""
        if not self._held or self.expected is None:
            return []
        return [n for n in range(self.expected, max(self._held)) if n not in self._held]
