"""The lucky bag of a room."""

from typing import Literal, TypeAlias

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature
from server.bridge.channels.texts import LocalText

DrawState: TypeAlias = Literal["open", "closed", "revealed", "void"]
VoidReason: TypeAlias = Literal["host", "no-entries", "seed-lost"]


class Draw(msgspec.Struct, frozen=True):
    """A draw: the prize, the task, and what is published of it so far.

    `winning` are the tickets that won, the first prize first, and `nicknames` whose they are.
    """

    id: str
    product_id: str
    name: LocalText
    image: str
    winners: int
    word: str
    estate_id: str
    stay: bool
    state: DrawState
    entries: int
    opened_at_ms: int
    closes_at_ms: int
    ended_at_ms: int | None
    void_reason: VoidReason | None
    commitment: str
    entries_hash: str | None
    seed: str | None
    winning: tuple[str, ...]
    nicknames: tuple[str, ...]


class DrawChanged(Event, frozen=True, kw_only=True, tag="draw"):
    """A draw opened, was entered, closed, was revealed or void; null: there is none."""

    draw: Draw | None


DRAW = Feature("draw", {DrawChanged: lambda _, event: event.draw})
