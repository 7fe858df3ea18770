"""Announces commerce's changes to rooms, stores and buyers: the real `commerce.feed.Feed`."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from commerce.activities.moderation import Shown
from commerce.activities.polls import Poll
from commerce.activities.questions import Question
from commerce.activities.shelf import Shelf
from commerce.feed import OrderChange
from commerce.flash.sale import FlashSale
from commerce.groups.group import Group
from commerce.io.commerce import Commerce
from commerce.leaders.names import initial
from commerce.lives.next_room import NextRoom
from commerce.orders.states import OrderState
from commerce.supply.cabinets import AlarmNow
from commerce.views import Card, CouponRelease, DrawView, StoreStock, Teaser
from rooms.events import Event
from rooms.io.hub import RoomHub
from rooms.messages import Purchase
from server.bridge.channels import (
    activities,
    cabinets,
    cards,
    coupons,
    draws,
    flash,
    groups,
    live,
    moderation,
    next_room,
    orders,
    schedule,
    shelf,
)

UNPAID = frozenset({OrderState.WAITING_PAYMENT, OrderState.EXPIRED})
"""Store and leader do not hear of orders that are not paid yet, or were not in time."""

T = TypeVar("T")


class RoomFeed:
    """Announces to `room:*`, `store:*` and `estate:*` channels, and privately to buyers."""

    def __init__(
        self, hub: RoomHub, media_time: Callable[[str], int | None] = lambda _: None
    ) -> None:
        """`media_time` is called with a room, for that of what happens in it now."""
        self._hub = hub
        self._media_time = media_time

    async def pin(self, room_id: str, card: Card) -> None:
        """Show the card in the room."""
        event = cards.CardPinned(card=_as(cards.Card, card), media_time=card.media_time)
        await self._hub.announce(f"room:{room_id}", event)

    async def unpin(self, room_id: str, product_id: str) -> None:
        """Take the card away."""
        event = cards.CardUnpinned(product_id=product_id, media_time=self._media_time(room_id))
        await self._hub.announce(f"room:{room_id}", event)

    async def group(self, room_ids: Sequence[str], store_ids: Sequence[str], group: Group) -> None:
        """Show the group as it is now."""
        event = groups.GroupChanged(group=_as(groups.Group, group))
        for room_id in room_ids:
            timed = msgspec.structs.replace(event, media_time=self._media_time(room_id))
            await self._hub.announce(f"room:{room_id}", timed)
        for store_id in store_ids:
            await self._hub.announce(f"store:{store_id}", event)
        await self._hub.announce(f"estate:{group.estate_id}", event)

    async def stock(
        self, room_ids: Sequence[str], product_id: str, stores: Sequence[StoreStock]
    ) -> None:
        """Show what is left."""
        event = cards.StockChanged(
            product_id=product_id,
            left=sum(store.left for store in stores),
            stores=tuple(cards.StoreStock(store.store_id, store.left) for store in stores),
        )
        for room_id in room_ids:
            timed = msgspec.structs.replace(event, media_time=self._media_time(room_id))
            await self._hub.announce(f"room:{room_id}", timed)

    async def orders(self, changed: Sequence[OrderChange]) -> None:
        """Show the orders to stores and leaders, one announcement per channel, and to buyers.

        Rooms are shown a sample of those that have just been placed.
        """
        by_channel: defaultdict[str, list[Event]] = defaultdict(list)
        led: defaultdict[str, list[orders.LedOrder]] = defaultdict(list)
        for change in changed:
            if change.at_store.state in UNPAID:
                continue
            order = _as(orders.StoreOrder, change.at_store)
            by_channel[f"store:{order.store.id}"].append(orders.OrderChanged(order=order))
            led[order.estate_id].append(orders.LedOrder(order.id, order.number, order.state))
        for estate_id, moved in led.items():
            event = orders.LedOrdersChanged(orders=tuple(moved))
            by_channel[f"estate:{estate_id}"].append(event)
        for channel, batch in by_channel.items():
            await self._hub.announce(channel, *batch)
        await self._hub.send_private(
            *(
                (each.guest_id, _for_its_buyer(each, self._media_time(each.room_id)))
                for each in changed
            )
        )

        for each in changed:
            if each.is_placed and each.room_id:
                self._hub.publish_purchase(f"room:{each.room_id}", each.mine.id, _purchase(each))

    async def poll(self, room_id: str, poll: Poll | None) -> None:
        """Show the poll."""
        event = activities.PollChanged(poll=_as(activities.Poll, poll) if poll else None)
        await self._hub.announce(f"room:{room_id}", event)

    async def questions(self, room_id: str, questions: Sequence[Question]) -> None:
        """Show the questions."""
        found = tuple(_as(activities.Question, question) for question in questions)
        event = activities.QuestionsChanged(questions=found)
        await self._hub.announce(f"room:{room_id}", event)

    async def notice(self, room_id: str, text: str | None) -> None:
        """Show the notice."""
        await self._hub.announce(f"room:{room_id}", activities.NoticeChanged(text=text))

    async def flash(self, room_id: str, sale: FlashSale | None) -> None:
        """Show the flash sale."""
        await self._hub.announce(f"room:{room_id}", _flash(sale))

    async def coupons(self, room_id: str, release: CouponRelease | None) -> None:
        """Show the release of coupons."""
        await self._hub.announce(f"room:{room_id}", _coupons(release))

    async def next_room(self, room_id: str, led: NextRoom | None) -> None:
        """Lead the audience on."""
        await self._hub.announce(f"room:{room_id}", _next_room(led))

    async def schedule(self, room_id: str, lives: Sequence[Teaser]) -> None:
        """Show the schedule."""
        await self._hub.announce(f"room:{room_id}", _schedule(lives))

    async def cabinet(self, store_id: str, now: AlarmNow) -> None:
        """Show the alarm, or that it is over."""
        event = cabinets.CabinetChanged(
            id=now.id,
            name=now.name,
            alarm=now.alarm.value if now.alarm else None,
            since_ms=now.since_ms,
            celsius_tenths=now.celsius_tenths,
        )
        await self._hub.announce(f"store:{store_id}", event)

    async def draw(self, room_id: str, draw: DrawView | None) -> None:
        """Show the draw."""
        event = draws.DrawChanged(draw=_as(draws.Draw, draw) if draw else None)
        await self._hub.announce(f"room:{room_id}", event)

    async def moderation(self, room_id: str, shown: Shown) -> None:
        """Show what holds in the chat, and have removed lines disappear."""
        event = moderation.ChatRulesChanged(chat_rules=_as(moderation.ChatRules, shown))
        await self._hub.announce(f"room:{room_id}", event)

    async def shelf(self, room_id: str, listed: Shelf) -> None:
        """Show what the room lists and explains."""
        await self._hub.announce(f"room:{room_id}", _shelf(listed))


def room_seed(commerce: Commerce) -> Callable[[str], Awaitable[Sequence[Event]]]:
    """Return the seed of a log that is new or was lost: the channel's events from the record."""

    async def seed(channel: str) -> Sequence[Event]:
        kind, _, room_id = channel.partition(":")
        if kind != "room" or room_id not in commerce.catalogue.rooms:
            return ()
        now = await commerce.lives.live(room_id)
        pinned = await commerce.pins.cards(room_id)
        running = await commerce.groups.of_room(room_id)
        poll = await commerce.activities.polls.shown(room_id)
        asked = await commerce.activities.questions.listed(room_id)
        notice = await commerce.activities.notices.shown(room_id)
        sale = await commerce.activities.flash.shown(room_id)
        released = await commerce.coupons.releases.shown(room_id)
        planned = await commerce.schedule.shown(room_id)
        draw = await commerce.activities.draws.shown_view(room_id)
        kept = await commerce.moderation.settings.shown(room_id)
        listed = await commerce.activities.shelves.shown(room_id)
        led = await commerce.next_rooms.shown(room_id)
        return (
            live.LiveChanged(state=now.state.value, started_at_ms=now.started_at_ms),
            *(cards.CardPinned(card=_as(cards.Card, card)) for card in reversed(pinned)),
            *(groups.GroupChanged(group=_as(groups.Group, group)) for group in running),
            activities.PollChanged(poll=_as(activities.Poll, poll) if poll else None),
            activities.QuestionsChanged(
                questions=tuple(_as(activities.Question, question) for question in asked)
            ),
            activities.NoticeChanged(text=notice),
            _flash(sale),
            _coupons(released),
            _schedule(planned),
            draws.DrawChanged(draw=_as(draws.Draw, draw) if draw else None),
            moderation.ChatRulesChanged(chat_rules=_as(moderation.ChatRules, kept)),
            _shelf(listed),
            _next_room(led),
        )

    return seed


def _purchase(change: OrderChange) -> Purchase:
    order = change.mine
    kind = "group" if order.group_id else "order"
    return Purchase(kind, initial(change.at_store.buyer.nickname), order.product_id)


def _flash(sale: FlashSale | None) -> flash.FlashChanged:
    return flash.FlashChanged(flash=_as(flash.Flash, sale) if sale else None)


def _coupons(release: CouponRelease | None) -> coupons.CouponsChanged:
    found = _as(coupons.CouponRelease, release) if release else None
    return coupons.CouponsChanged(release=found)


def _schedule(lives: Sequence[Teaser]) -> schedule.UpcomingChanged:
    return schedule.UpcomingChanged(lives=tuple(_as(schedule.Teaser, live) for live in lives))


def _next_room(led: NextRoom | None) -> next_room.NextRoomChanged:
    return next_room.NextRoomChanged(next_room=_as(next_room.NextRoom, led) if led else None)


def _shelf(listed: Shelf) -> shelf.ShelfChanged:
    return shelf.ShelfChanged(shelf=_as(shelf.Shelf, listed))


def _as(kind: type[T], view: object) -> T:
    """Convert a view of commerce into a payload of a channel; the field names are the same."""
    return msgspec.convert(view, kind, from_attributes=True)


def _for_its_buyer(change: OrderChange, media_time: int | None) -> orders.YourOrder:
    return orders.YourOrder(order=_as(orders.Order, change.mine), media_time=media_time)
