"""The host's prompter: groups what a room asks while a host looks, and joins it with what is sold.

A room is watched from the first look on, and for `WATCHED_S` after the last one. Each worker that a
host's looks reach groups for itself; all of them get the same lines.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field

from commerce.activities.asked import Asked, AskedQuestions, asks, called
from commerce.activities.prompter import (
    RunningOut,
    Unsold,
    Worst,
    rest_of,
    running_out,
    unsold,
    worst,
)
from commerce.catalogue.text import Text
from commerce.io.commerce import Commerce
from commerce.io.shop.activities.prompter import Show
from rooms.io.hub import RoomHub
from rooms.messages import ChatLine, Tick
from rooms.state import Snapshot
from server.bridge.channels.registry import RoomState

WATCHED_S = 120.0
SALES_S = 5.0
"""Sales are read this often at most."""
QUESTIONS_LISTED = 20
SEEN_MAX = 20_000
"""Lines of a live that are known to be counted; later ones come once, in ticks."""
ROOMS_MAX = 200
"""Rooms that are watched by one worker."""


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One question with how many have asked it."""

    text: str
    count: int
    product_ids: tuple[str, ...]
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class Named:
    """A product by name."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a host sees."""

    questions: tuple[AskedLine, ...]
    unsold: tuple[Unsold, ...]
    running_out: tuple[RunningOut, ...]
    worst: Worst | None
    products: tuple[Named, ...]


@dataclass(slots=True)
class _Room:
    room_id: str
    asked: AskedQuestions
    looked_at: float
    since_ms: int | None = None
    seen: set[str] = field(default_factory=set)
    show: Show | None = None
    names: tuple[Named, ...] = ()
    show_until: float = float("-inf")

    def receive(self, message: Snapshot | Tick) -> None:
        """Take the lines of a snapshot or tick."""
        if isinstance(message, Tick):
            self._take(message.chat)
            return
        state = message.state
        if isinstance(state, RoomState):
            if state.since_ms != self.since_ms:  # another live: what was asked before is over
                self.since_ms = state.since_ms
                self.asked = AskedQuestions(self.asked.names)
                self.seen.clear()
            self._take(state.chat)
            for question in state.questions:
                if question.id not in self.seen and question.answered_at_ms is None:
                    self.seen.add(question.id)
                    self.asked.add(question.text, question.nickname, question.asked_at_ms)

    def _take(self, chat: tuple[ChatLine, ...]) -> None:
        for line in chat:
            if line.id in self.seen or line.sender.role != "guest" or not asks(line.text):
                continue
            if len(self.seen) < SEEN_MAX:
                self.seen.add(line.id)
            self.asked.add(line.text, line.sender.id, line.at_ms)


class RoomPrompters:
    """The prompters of this worker's hosts."""

    def __init__(self, hub: RoomHub, commerce: Commerce) -> None:
        self._hub = hub
        self._commerce = commerce
        self._rooms: dict[str, _Room] = {}
        hub.sweepers.append(self.sweep)

    async def look(self, room_id: str) -> Prompt:
        """Return what the host of a room is prompted with now.

        Raises:
            NotFound: There is no such room.
            LogUnavailable: The room cannot be opened now.
        """
        now = time.monotonic()
        room = self._rooms.get(room_id)
        if room is None:
            room = _Room(room_id, AskedQuestions(), now)
            await self._read_sales(room, now)
            if len(self._rooms) < ROOMS_MAX:
                self._rooms[room_id] = room
                await self._hub.watch(f"room:{room_id}", room.receive)
        room.looked_at = now
        if room.show_until <= now:
            await self._read_sales(room, now)
        return _prompt(room)

    def sweep(self, now: float) -> None:
        """End watches that nobody looks at any more."""
        for room in list(self._rooms.values()):
            if now - room.looked_at > WATCHED_S:
                del self._rooms[room.room_id]
                self._hub.unwatch(f"room:{room.room_id}", room.receive)

    async def _read_sales(self, room: _Room, now: float) -> None:
        products = await self._commerce.products(room.room_id, "")
        room.names = tuple(Named(each.id, each.name) for each in products)
        room.asked.names = called({each.id: (each.name.zh, each.name.en) for each in products})
        left = {each.id: each.left for each in products}
        room.show = await self._commerce.activities.sales.show(room.room_id, left)
        room.show_until = now + SALES_S


def _prompt(room: _Room) -> Prompt:
    show = room.show
    assert show is not None
    groups = room.asked.most_asked(QUESTIONS_LISTED)
    return Prompt(
        tuple(
            AskedLine(each.text, each.count, tuple(sorted(each.products)), each.last_at_ms)
            for each in groups
        ),
        tuple(unsold(_askers(groups), show.sold)),
        tuple(
            running_out(show.sold, show.elapsed_min, rest_of(show.elapsed_min, show.lengths_min))
        ),
        worst(show.now, show.earlier),
        room.names,
    )


def _askers(groups: list[Asked]) -> dict[str, int]:
    """Return how many ask about each product."""
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for group in groups:
        for product_id in group.products:
            askers[product_id] |= group.askers
    return {product_id: len(found) for product_id, found in askers.items()}
