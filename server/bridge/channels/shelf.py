"""What a room lists and explains."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature


class Shelf(msgspec.Struct, frozen=True):
    """How many goods the room lists since when, and which one the host explains now."""

    count: int = 0
    changed_at_ms: int = 0
    explaining: str | None = None
    since_ms: int | None = None


class ShelfChanged(Event, frozen=True, kw_only=True, tag="shelf"):
    """The list was changed, or an explanation began or ended."""

    shelf: Shelf


SHELF = Feature("shelf", {ShelfChanged: lambda _, event: event.shelf})
