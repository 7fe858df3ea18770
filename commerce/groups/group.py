"""A group buy: one estate's joint purchase of one product, its states and what a join does.

The counter is the number of distinct paying households, never more and never less.
"""

from dataclasses import dataclass
from enum import StrEnum

from commerce.groups.terms import Award, PriceStep

# A group expires this long after its deadline, so that taps made in time are in the record first.
EXPIRY_GRACE_MS = 2_000


class GroupState(StrEnum):
    """Where a group stands."""

    OPEN = "open"
    REACHED = "reached"
    FULFILLING = "fulfilling"
    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_G = GroupState

# The database enforces the same table.
TRANSITIONS: frozenset[tuple[GroupState, GroupState]] = frozenset(
    {
        (_G.OPEN, _G.REACHED),
        (_G.OPEN, _G.EXPIRED),
        (_G.OPEN, _G.CANCELLED),
        (_G.REACHED, _G.FULFILLING),
        (_G.REACHED, _G.DONE),
        (_G.FULFILLING, _G.DONE),
    }
)

# A group with steps closes this long after its deadline: its count decides what all of them pay.
CLOSE_GRACE_MS = 10_000

# States in which a household may still join, until the deadline.
JOINABLE: frozenset[GroupState] = frozenset({_G.OPEN, _G.REACHED, _G.FULFILLING})

# States in which an order goes to the store without waiting.
GOES_ON: frozenset[GroupState] = frozenset({_G.REACHED, _G.FULFILLING})


@dataclass(frozen=True, slots=True)
class Group:
    """One group as everybody may see it; also its form on the wire.

    `price_fen` is what a unit costs who joins now; `steps` are what all pay if so many join, the
    first one's price to begin with; `award` lowers the price once.
    """

    id: str
    product_id: str
    estate_id: str
    joined: int
    target: int
    price_fen: int
    state: GroupState
    ends_at_ms: int
    steps: tuple[PriceStep, ...] = ()
    award: Award | None = None

    def joinable(self, at_ms: int) -> bool:
        """Whether a tap at `at_ms` may join."""
        return self.state in JOINABLE and at_ms < self.ends_at_ms

    def overdue(self, at_ms: int) -> bool:
        """Whether the group must expire at `at_ms`."""
        return self.state is _G.OPEN and at_ms >= self.ends_at_ms + EXPIRY_GRACE_MS
