"""Where a host leads the audience at the end: to another live of the own brand."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from commerce.catalogue.values import Live, LiveState, Text

SHOWN_MS = 120_000
"""Whoever comes to the room within this time is led on, too."""


@dataclass(frozen=True, slots=True)
class NextRoom:
    """A room that the audience is led to, until `until_ms`."""

    room_id: str
    title: Text
    store: Text
    until_ms: int


def reachable(
    lives: Iterable[Live], own_room: str, brand_rooms: Collection[str], rehearsals: Collection[str]
) -> list[str]:
    """The rooms that an audience may be led to, the newest live first.

    They are on air for everybody, of the brand, and not where the audience is already.
    """
    found = [
        live
        for live in lives
        if live.state is LiveState.LIVE
        and live.room_id in brand_rooms
        and live.room_id != own_room
        and live.room_id not in rehearsals
    ]
    newest = sorted(found, key=lambda live: (-(live.started_at_ms or 0), live.room_id))
    return [live.room_id for live in newest]
