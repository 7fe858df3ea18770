"""The lives that a room is going to have."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature
from server.bridge.channels.texts import LocalText


class TeaserGood(msgspec.Struct, frozen=True):
    """A product of a teaser; `price_fen` is that of estates without a price of their own."""

    id: str
    name: LocalText
    unit: LocalText
    image: str
    price_fen: int


class Teaser(msgspec.Struct, frozen=True):
    """A scheduled live with what it is about; `teaser` may be empty."""

    id: str
    title: str
    teaser: str
    starts_at_ms: int
    goods: tuple[TeaserGood, ...]


class UpcomingChanged(Event, frozen=True, kw_only=True, tag="upcoming"):
    """The lives that the room shows of its schedule now, the next one first."""

    lives: tuple[Teaser, ...]


UPCOMING = Feature("upcoming", {UpcomingChanged: lambda _, event: event.lives})
