"""The flash sale of a room: announced, running, or ended a moment ago."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature


class Flash(msgspec.Struct, frozen=True):
    """A flash sale; times are the server's clock, `left` the units that anybody may still take.

    `served` is the last place of the waiting list that was offered a unit.
    """

    id: str
    product_id: str
    price_fen: int
    before_fen: int
    units: int
    left: int
    household_limit: int
    starts_at_ms: int
    ends_at_ms: int
    served: int = 0


class FlashChanged(Event, frozen=True, kw_only=True, tag="flash"):
    """A flash sale was announced, sold units or ended; null: the room shows none."""

    flash: Flash | None


FLASH = Feature("flash", {FlashChanged: lambda _, event: event.flash})
