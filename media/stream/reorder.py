"""Puts a host's packets back in order, and waits a little for retransmits of lost ones.

Pure: `now` is monotonic seconds. After `receive` and at `deadline`, take what `ready` returns.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

# How long a gap may block the live. Without the retransmit no frame can be decoded until the next
# key frame, so a shorter wait gains nothing; a retransmit may be lost two or three times.
REPAIR_S = 0.800
# Audio is not retransmitted: this is for packets that arrive out of order.
OVERTAKEN_S = 0.040
# A larger jump forward is a restart of the stream, not loss. A jump back is never followed.
JUMP_PACKETS_MAX = 3_000
HELD_PACKETS_MAX = 1_500
BLOCKED_DECAY_PER_S = 0.955

T = TypeVar("T")


class Reorder(Generic[T]):
    """Items by unwrapped sequence number, returned once and in order; overdue gaps are skipped."""

    def __init__(self, patience_s: float = REPAIR_S) -> None:
        self._patience_s = patience_s
        self.expected: int | None = None
        self.blocked_s_max = 0.0  # the longest recent blocking by a gap; see `decay`
        self._held: dict[int, tuple[T, float]] = {}  # with the arrival time, earliest first

    @property
    def deadline(self) -> float | None:
        """When the oldest gap is skipped, or None."""
        for _, arrived in self._held.values():
            return arrived + self._patience_s
        return None

    @property
    def holds(self) -> bool:
        """Whether an item waits for one before it."""
        return bool(self._held)

    def receive(self, sequence: int, item: T, *, now: float) -> bool:
        """Take an item; False for one that is too late or a duplicate."""
        if self.expected is None or sequence - self.expected > JUMP_PACKETS_MAX:
            self._held.clear()
            self.expected = sequence
        if sequence < self.expected or sequence in self._held:
            return False
        self._held[sequence] = (item, now)
        return True

    def ready(self, *, now: float) -> list[tuple[int, T]]:
        """Return the items that are in order now, skipping gaps past their deadline."""
        out: list[tuple[int, T]] = []
        released_at = 0.0  # when the last item arrived that this one had to wait for
        while self._held:
            assert self.expected is not None
            while (held := self._held.pop(self.expected, None)) is not None:
                out.append((self.expected, held[0]))
                self.expected += 1
                released_at = max(released_at, held[1])
                self.blocked_s_max = max(self.blocked_s_max, released_at - held[1])
            deadline = self.deadline
            if deadline is None or (now < deadline and len(self._held) <= HELD_PACKETS_MAX):
                break
            self.expected, released_at = min(self._held), now
        return out

    def blocked_s(self, *, now: float) -> float:
        """Return for how long a gap has blocked the live; 0: there is none."""
        for _, arrived in self._held.values():
            return now - arrived
        return 0.0

    def held(self) -> Iterator[tuple[int, T]]:
        """Yield the blocked items, by number."""
        for sequence in sorted(self._held):
            yield sequence, self._held[sequence][0]

    def skip_to(self, sequence: int) -> None:
        """Give up everything before `sequence`."""
        assert self.expected is not None
        self.expected = max(self.expected, sequence)
        self._held = {at: held for at, held in self._held.items() if at >= sequence}

    def decay(self) -> None:
        """Call once a second; `blocked_s_max` halves in 15 s."""
        self.blocked_s_max *= BLOCKED_DECAY_PER_S

    def missing(self) -> list[int]:
        """Return the missing numbers before held items, oldest first."""
        if not self._held or self.expected is None:
            return []
        return [n for n in range(self.expected, max(self._held)) if n not in self._held]
