"""The port through which commerce publishes what happened, and a feed in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from commerce.activities.moderation import Shown
from commerce.activities.polls import Poll
from commerce.activities.questions import Question
from commerce.activities.shelf import Shelf
from commerce.flash.sale import FlashSale
from commerce.groups.group import Group
from commerce.lives.next_room import NextRoom
from commerce.supply.cabinets import AlarmNow
from commerce.views import (
    Card,
    CouponRelease,
    DrawView,
    OrderView,
    StoreOrder,
    StoreStock,
    Teaser,
)


class OrderChange(NamedTuple):
    """An order was made or moved: as its buyer and as its store see it.

    `is_placed` says that it has just been placed, and paid where that is asked for.
    """

    guest_id: str
    room_id: str
    mine: OrderView
    at_store: StoreOrder
    is_placed: bool = False


class Feed(Protocol):
    """Where changes are published; the server uses rooms, store channels and private messages.

    Every call carries the state as it is now, not a difference: a call that comes twice or a state
    that was skipped does no harm. Calls come at least once and only after the commit. A call that
    raises is retried later; calls for one subject never overlap.
    """

    async def pin(self, room_id: str, card: Card) -> None:
        """A product was pinned in a room."""
        ...

    async def unpin(self, room_id: str, product_id: str) -> None:
        """A product was unpinned in a room."""
        ...

    async def group(self, room_ids: Sequence[str], store_ids: Sequence[str], group: Group) -> None:
        """A group opened, grew, was reached or ended; stores are those with orders of it."""
        ...

    async def stock(
        self, room_ids: Sequence[str], product_id: str, stores: Sequence[StoreStock]
    ) -> None:
        """So many units are left in these stores, and none in others."""
        ...

    async def orders(self, changed: Sequence[OrderChange]) -> None:
        """Orders were made or moved."""
        ...

    async def poll(self, room_id: str, poll: Poll | None) -> None:
        """A poll opened, was voted in or ended; None: the room shows none."""
        ...

    async def questions(self, room_id: str, questions: Sequence[Question]) -> None:
        """Questions were asked, voted for, answered or hidden; these are listed now."""
        ...

    async def notice(self, room_id: str, text: str | None) -> None:
        """The notice of a room changed; None: it has none."""
        ...

    async def flash(self, room_id: str, sale: FlashSale | None) -> None:
        """A flash sale was announced, sold units or ended; None: the room shows none."""

    async def coupons(self, room_id: str, release: CouponRelease | None) -> None:
        """Coupons were released, claimed or ended; None: the room shows none."""
        ...

    async def next_room(self, room_id: str, led: NextRoom | None) -> None:
        """The audience of a room is led to another one, or (None) no longer."""

    async def schedule(self, room_id: str, lives: Sequence[Teaser]) -> None:
        """The schedule of a room changed; these lives it shows, the next one first."""
        ...

    async def draw(self, room_id: str, draw: DrawView | None) -> None:
        """A draw opened, was entered, closed, was revealed or void; None: the room shows none."""
        ...

    async def moderation(self, room_id: str, shown: Shown) -> None:
        """The order of a room's chat changed; this holds now."""
        ...

    async def shelf(self, room_id: str, listed: Shelf) -> None:
        """The list of a room was changed, or an explanation began or ended."""
        ...

    async def cabinet(self, store_id: str, now: AlarmNow) -> None:
        """A cabinet's alarm began, changed or is over."""
        ...


class MemoryFeed:
    """A feed that keeps the newest state of everything."""

    def __init__(self) -> None:
        self.cards: dict[tuple[str, str], Card] = {}
        self.groups: dict[str, Group] = {}
        self.room_groups: dict[tuple[str, str], Group] = {}
        self.left: dict[str, int] = {}
        self.last_orders: dict[str, OrderView] = {}
        self.store_orders: dict[str, StoreOrder] = {}
        self.placed: list[str] = []
        self.polls: dict[str, Poll | None] = {}
        self.room_questions: dict[str, Sequence[Question]] = {}
        self.notices: dict[str, str | None] = {}
        self.flash_sales: dict[str, FlashSale | None] = {}
        self.releases: dict[str, CouponRelease | None] = {}
        self.next_rooms: dict[str, NextRoom | None] = {}
        self.schedules: dict[str, Sequence[Teaser]] = {}
        self.shelves: dict[str, Shelf] = {}
        self.draws: dict[str, DrawView | None] = {}
        self.moderated: dict[str, Shown] = {}
        self.cabinets: list[tuple[str, AlarmNow]] = []

    async def pin(self, room_id: str, card: Card) -> None:
        """Remember the card."""
        self.cards[room_id, card.product.id] = card

    async def unpin(self, room_id: str, product_id: str) -> None:
        """Remove the card."""
        self.cards.pop((room_id, product_id), None)

    async def group(self, room_ids: Sequence[str], store_ids: Sequence[str], group: Group) -> None:
        """Remember the group, also by room."""
        self.groups[group.id] = group
        for room_id in room_ids:
            self.room_groups[room_id, group.id] = group

    async def stock(
        self, room_ids: Sequence[str], product_id: str, stores: Sequence[StoreStock]
    ) -> None:
        """Remember what is left."""
        self.left[product_id] = sum(store.left for store in stores)

    async def orders(self, changed: Sequence[OrderChange]) -> None:
        """Remember the orders."""
        self.placed.extend(change.mine.id for change in changed if change.is_placed)
        for change in changed:
            self.last_orders[change.mine.id] = change.mine
            self.store_orders[change.at_store.id] = change.at_store

    async def poll(self, room_id: str, poll: Poll | None) -> None:
        """Remember the poll."""
        self.polls[room_id] = poll

    async def questions(self, room_id: str, questions: Sequence[Question]) -> None:
        """Remember the questions."""
        self.room_questions[room_id] = questions

    async def notice(self, room_id: str, text: str | None) -> None:
        """Remember the notice."""
        self.notices[room_id] = text

    async def flash(self, room_id: str, sale: FlashSale | None) -> None:
        """Remember the flash sale."""
        self.flash_sales[room_id] = sale

    async def coupons(self, room_id: str, release: CouponRelease | None) -> None:
        """Remember the release."""
        self.releases[room_id] = release

    async def next_room(self, room_id: str, led: NextRoom | None) -> None:
        """Remember where the audience is led."""
        self.next_rooms[room_id] = led

    async def schedule(self, room_id: str, lives: Sequence[Teaser]) -> None:
        """Remember the schedule."""
        self.schedules[room_id] = lives

    async def draw(self, room_id: str, draw: DrawView | None) -> None:
        """Remember the draw."""
        self.draws[room_id] = draw

    async def moderation(self, room_id: str, shown: Shown) -> None:
        """Remember what is shown of it."""
        self.moderated[room_id] = shown

    async def shelf(self, room_id: str, listed: Shelf) -> None:
        """Remember the list."""
        self.shelves[room_id] = listed

    async def cabinet(self, store_id: str, now: AlarmNow) -> None:
        """Remember all of them."""
        self.cabinets.append((store_id, now))
