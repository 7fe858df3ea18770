"""Admission of lines by what an identity has cost its sender, before any other work on them.

A room shows about 20 lines a second, whoever writes them. Identities that anybody makes in a second
share a small part of that; those that are older, or whose household is confirmed, have the rest. A
part that far more lines ask for than it has is flooded, and shrinks until that is over: what
strangers write is then little, whatever their number, and everybody else is read as before.

`now` is monotonic seconds. One object per room and worker.
"""

from enum import IntEnum

from rooms.rates import TokenBucket

LINES_PER_S = (20.0, 20.0)
"""Burst, and a second, of all guests of a room."""
NEW_S = 600.0
"""An identity is new for so long."""
YOUNG_S = 86_400.0
PER_ADDRESS = (10.0, 2.0)
"""Burst, and a second, of the lines of new and young identities of one address."""
ADDRESSES_MAX = 5_000
FLOOD_WINDOW_S = 5.0
FLOOD_FACTOR = 2.0
"""A part is flooded when so many times its lines are wanted in a window."""
FLOOD_HOLD_S = 60.0
"""It counts as flooded for so long after the last window in which it was."""


class Standing(IntEnum):
    """What an identity has cost: nothing yet, some time, a day, or a confirmed household."""

    NEW = 0
    YOUNG = 1
    OLD = 2
    MEMBER = 3


def standing_of(age_s: float, is_member: bool) -> Standing:
    """Return the standing of an identity made so long ago."""
    if is_member:
        return Standing.MEMBER
    if age_s < NEW_S:
        return Standing.NEW
    return Standing.YOUNG if age_s < YOUNG_S else Standing.OLD


class _Part:
    """What identities of one standing may write: a bucket for quiet times and one for floods."""

    __slots__ = ("_flooded", "_flooded_until", "_quiet", "_wanted", "_window_ends_at")

    def __init__(self, quiet: tuple[float, float], flooded: tuple[float, float]) -> None:
        self._quiet = TokenBucket(*quiet)
        self._flooded = TokenBucket(*flooded)
        self._flooded_until = float("-inf")
        self._window_ends_at = float("-inf")
        self._wanted = 0

    def take(self, now: float) -> float:
        """Take a token; return 0.0, or the seconds until there is one."""
        if now >= self._window_ends_at:
            self._window_ends_at = now + FLOOD_WINDOW_S
            self._wanted = 0
        self._wanted += 1
        if self._wanted > self._quiet.burst + FLOOD_FACTOR * self._quiet.per_s * FLOOD_WINDOW_S:
            self._flooded_until = now + FLOOD_HOLD_S
        return (self._flooded if self.is_flooded(now) else self._quiet).take(now)

    def is_flooded(self, now: float) -> bool:
        """Whether it is smaller now."""
        return now < self._flooded_until


class Admission:
    """Which lines of guests a room looks at."""

    __slots__ = ("_addresses", "_all", "_parts", "refused_total")

    def __init__(self) -> None:
        self._all = TokenBucket(*LINES_PER_S)
        self._parts = {
            Standing.NEW: _Part((16.0, 8.0), (2.0, 0.5)),
            Standing.YOUNG: _Part((20.0, 12.0), (4.0, 2.0)),
        }
        self._addresses: dict[str, TokenBucket] = {}
        self.refused_total = 0

    def take(self, whose: Standing, address: str, now: float) -> float:
        """Admit a line: return 0.0, or after how many seconds another try is worth it."""
        wait_s = 0.0
        if (part := self._parts.get(whose)) is not None:
            wait_s = self._take_address(address, now) or part.take(now)
        wait_s = wait_s or self._all.take(now)
        if wait_s:
            self.refused_total += 1
        return wait_s

    def is_flooded(self, now: float) -> bool:
        """Whether new identities write far more than they are given."""
        return any(part.is_flooded(now) for part in self._parts.values())

    def prune(self, now: float) -> None:
        """Forget addresses whose bucket is as a new one."""
        full = [key for key, bucket in self._addresses.items() if bucket.is_full(now)]
        for key in full:
            del self._addresses[key]

    def _take_address(self, address: str, now: float) -> float:
        bucket = self._addresses.get(address)
        if bucket is None:
            if len(self._addresses) >= ADDRESSES_MAX:
                self.prune(now)
            if len(self._addresses) >= ADDRESSES_MAX:
                return FLOOD_HOLD_S
            bucket = self._addresses[address] = TokenBucket(*PER_ADDRESS)
        return bucket.take(now)
