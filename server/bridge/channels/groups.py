"""The group buys of a room."""

from typing import Literal, TypeAlias

import msgspec

from server.bridge.channels.feature import Feature, TimedEvent

GROUPS_MAX = 200

GroupState: TypeAlias = Literal["open", "reached", "fulfilling", "done", "expired", "cancelled"]

GROUP_STATES_ENDED: frozenset[GroupState] = frozenset({"done", "expired", "cancelled"})


class PriceStep(msgspec.Struct, frozen=True):
    """From `joined` neighbours on, all of them pay `price_fen` for a unit."""

    joined: int
    price_fen: int


class GroupAward(msgspec.Struct, frozen=True):
    """One household's `invites` neighbours who pay lower everybody's price by `off_fen`, once."""

    invites: int
    off_fen: int
    given: bool


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """One estate's group buy of one product; `price_fen` is what a unit costs who joins now."""

    id: str
    product_id: str
    estate_id: str
    joined: int
    target: int
    price_fen: int
    state: GroupState
    ends_at_ms: int
    steps: tuple[PriceStep, ...] = ()
    award: GroupAward | None = None


class GroupChanged(TimedEvent, frozen=True, kw_only=True, tag="group"):
    """A group opened, grew, or changed its state; carries the whole group."""

    group: Group

    @property
    def is_urgent(self) -> bool:
        """Another neighbour can wait for the tick, another state cannot."""
        return self.group.state != "open"


Groups = tuple[Group, ...]
"""Oldest first."""


def _changed(groups: Groups, event: GroupChanged) -> Groups:
    group = event.group
    if any(other.id == group.id for other in groups):
        return tuple(group if other.id == group.id else other for other in groups)
    if len(groups) >= GROUPS_MAX:
        # The first that has ended is dropped, or else the very first.
        ended = (at for at, other in enumerate(groups) if other.state in GROUP_STATES_ENDED)
        gone = next(ended, 0)
        groups = groups[:gone] + groups[gone + 1 :]
    return (*groups, group)


GROUPS = Feature(member="groups", reducers={GroupChanged: _changed})
