"""One handler per topic of the outbox: where its messages go, and what to look up first.

A handler gets all due messages of its topic and returns those that have to be delivered later.
Delivering a message twice does no harm.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import structlog
from sqlalchemy import Connection, select

from commerce.catalogue.values import Product
from commerce.feed import Feed, OrderChange
from commerce.groups.group import Group
from commerce.io.gate.flash_rows import open_sale
from commerce.io.gate.gates import Gates
from commerce.io.gate.owners import (
    gates_of_estates,
    gates_of_orders,
    gates_of_rooms,
    gates_of_rows,
)
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.gate.snapshot import release_change, restock_change
from commerce.io.outbox.message import Message
from commerce.io.record.draw_rows import shown_draw
from commerce.io.record.order_lines import orders_of
from commerce.io.record.postings import PLACED, Topic
from commerce.io.record.refund_postings import book_refund_calls, send_refund_calls
from commerce.io.record.refund_rows import refund_turns
from commerce.io.record.rows import GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, orders
from commerce.io.record.schema_flash import flash_sales
from commerce.io.shop.activities.flash import shown_sale
from commerce.io.shop.activities.news import Part
from commerce.io.shop.activities.notices import notice_of
from commerce.io.shop.activities.polls import shown_poll
from commerce.io.shop.activities.questions import questions_of
from commerce.io.shop.activities.shelves import shelf_of
from commerce.io.shop.catalogue.news import CatalogueNews
from commerce.io.shop.catalogue.views import stock_of
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.releases import shown_release
from commerce.io.shop.moderation.rules import shown_of
from commerce.io.shop.notices import notify_buyers
from commerce.io.shop.pins import cards_in, cards_of, find_pin, rooms_with
from commerce.io.shop.schedule.next_rooms import next_room_of
from commerce.io.shop.schedule.schedule import shown_teasers
from commerce.io.shop.staff import StaffVersions
from commerce.io.shop.stock.cabinets import alarms_of
from commerce.io.shop.stream_keys import StreamKeys
from commerce.io.shop.views import order_views, store_views
from commerce.money.payments import PaymentOutcome, Payments, Refund
from commerce.money.refund_calls import CallState, RefundPace
from commerce.notices.notices import NoticeKind
from commerce.orders.flash import GateFlash
from commerce.orders.order import OrderRow
from commerce.orders.promise import is_slot_item
from commerce.orders.quotas import is_quota
from commerce.views import draw_view

ACTIVITY_EVERY_MS = 500
"""A room is shown its poll or questions this often at most."""

JUST_PLACED_MS = 15_000
"""An order whose news comes later than this has no longer just been placed."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where messages go: the gate, the payment provider, the feed, and what workers check."""

    shop: ShopContext
    gates: Gates
    payments: Payments
    feed: Feed
    versions: StaffVersions
    stream_keys: StreamKeys
    catalogue_news: CatalogueNews
    refund_pace: RefundPace = field(default_factory=RefundPace)
    activities_shown: dict[str, int] = field(default_factory=dict)
    """When rooms were last shown which part of their activities, UTC in milliseconds."""


Handler = Callable[[Outlets, Sequence[Message]], Awaitable[Sequence[Message]]]


async def update_places(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Stores, estates or settings changed: all workers read the catalogue again.

    An estate of another city or store may be offered something else.
    """
    await to.shop.cache.refresh()
    catalogue = to.shop.catalogue
    ruled = {*catalogue.rules.prices, *catalogue.rules.assortment}
    await _set_offers(to, ruled)
    await to.catalogue_news.publish()
    return ()


async def update_products(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Prices, limits or goods changed: the gate gets them, and rooms show what it asks."""
    # An import of thousands takes many passes, and is read once.
    await to.shop.cache.refresh_goods()
    ids = {message.subject for message in messages}
    await _set_offers(to, ids)
    await to.catalogue_news.publish_goods(to.shop.catalogue.rules.version)
    catalogue, at_ms = to.shop.catalogue, to.shop.clock()
    async with to.shop.record.read() as connection:
        rooms = await connection.run_sync(rooms_with, catalogue, ids)
        cards = [
            (room_id, card)
            for room_id in sorted({room for found in rooms.values() for room in found})
            for card in await cards_in(connection, catalogue, room_id, at_ms)
        ]
    # All of a room's cards, since the one that is announced last lies on top.
    for room_id, card in reversed(cards):
        await to.feed.pin(room_id, card)
    return ()


async def restock_gate(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Units were received, slots or quotas opened: the gate sells them and rooms show them."""
    rows = [message.subject for message in messages]
    gates = await to.shop.record.query(lambda connection: gates_of_rows(connection, rows))
    for message in messages:
        if message.subject in gates:
            change = restock_change(message.id, message.enqueued_at_ms)
            gate = to.gates.named(gates[message.subject])
            await gate.restock(change, message.subject, message.units)
    products = [
        replace(message, subject=message.subject.partition("|")[0])
        for message in messages
        if not is_slot_item(message.subject) and not is_quota(message.subject)
    ]
    return await show_stock(to, products)


async def release_units(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Orders were cancelled: their units go back on sale."""
    found = await _orders_by_gate(to, messages)
    for gate, by_id in found.items():
        await gate.release(
            [
                (release_change(message.subject, message.units), by_id[message.subject])
                for message in messages
                if message.subject in by_id
            ]
        )
    return ()


async def end_holds(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Orders that were paid late have their units again, or get none: the gate's holds end."""
    sold = {message.subject: bool(message.units) for message in messages}
    for gate, by_id in (await _orders_by_gate(to, messages)).items():
        for order in by_id.values():
            await gate.end_hold(order, sold=sold[order.id])
    return ()


async def show_pins(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Products were pinned or unpinned: their rooms show the card, or remove it."""
    for subject in dict.fromkeys(message.subject for message in messages):
        room_id, _, product_id = subject.partition("|")
        async with to.shop.record.read() as connection:
            pin = await find_pin(connection, room_id, product_id)
            cards = await cards_of(
                connection, to.shop.catalogue, [pin] if pin else [], to.shop.clock()
            )
        if cards:
            await to.feed.pin(room_id, cards[0])
        else:
            await to.feed.unpin(room_id, product_id)
    return ()


async def show_groups(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Groups changed: the gate, their rooms and the stores that serve them get the new state."""
    ids = {message.subject for message in messages}

    def look_up(connection: Connection) -> list[tuple[Group, str, set[str], set[str]]]:
        rows = connection.execute(
            GROUPS.add_columns(buying_groups.c.room_id).where(buying_groups.c.id.in_(ids))
        )
        found = [(group_of(row), row["room_id"]) for row in rows.mappings()]
        sold = {group.product_id for group, _ in found}
        rooms = rooms_with(connection, to.shop.catalogue, sold)
        ordered = connection.execute(
            select(orders.c.group_id, orders.c.room_id, orders.c.store_id)
            .where(orders.c.group_id.in_(ids))
            .distinct()
        )
        places = [(id, room, store) for id, room, store in ordered]
        gates = gates_of_estates(connection, {group.estate_id for group, _ in found})
        return [
            (
                group,
                gates[group.estate_id],
                # Rooms in which its buyers are, too, though the product may be off the table there.
                {room_id, *rooms.get(group.product_id, ())}
                | {room for id, room, _ in places if id == group.id},
                {store for id, _, store in places if id == group.id},
            )
            for group, room_id in found
        ]

    for group, gate, in_rooms, in_stores in await to.shop.record.query(look_up):
        await to.gates.named(gate).set_group(group, to.shop.clock())
        await to.feed.group(sorted(in_rooms), sorted(in_stores), group)
    return ()


async def show_stock(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Units were sold, released or received: rooms with that card show what is left.

    So do rooms with the card of a set that the product is part of.
    """
    catalogue = to.shop.catalogue
    ids = {message.subject for message in messages}
    ids |= catalogue.sets_of(ids)
    stores, rooms = await to.shop.record.query(
        lambda connection: (
            stock_of(connection, catalogue, ids),
            rooms_with(connection, catalogue, ids),
        )
    )
    for product_id, room_ids in sorted(rooms.items()):
        await to.feed.stock(room_ids, product_id, stores.get(product_id, ()))
    return ()


async def show_orders(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Orders were made or moved: buyer and store see them."""
    catalogue = to.shop.catalogue
    placed_from_ms = to.shop.clock() - JUST_PLACED_MS
    placed = {
        message.subject
        for message in messages
        if message.units == PLACED and message.enqueued_at_ms >= placed_from_ms
    }

    def look_up(connection: Connection) -> list[OrderChange]:
        rows = _orders(connection, messages)
        views = order_views(connection, rows, catalogue)
        store_orders = store_views(connection, rows, catalogue)
        return [
            OrderChange(row.guest_id, row.room_id, view, store_order, row.id in placed)
            for row, view, store_order in zip(rows, views, store_orders, strict=True)
        ]

    await to.feed.orders(await to.shop.record.query(look_up))
    return ()


_ENDS = {
    PaymentOutcome.PAID: CallState.DONE,
    PaymentOutcome.DECLINED: CallState.FAILED,
    PaymentOutcome.UNKNOWN: CallState.UNKNOWN,
}


async def send_refunds(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Payments go back at the provider's pace; the record books them once it has confirmed."""
    ids = list(dict.fromkeys(message.subject for message in messages))
    async with to.shop.record.write() as connection:
        sent, later = await connection.run_sync(
            send_refund_calls, ids, to.refund_pace, to.shop.clock()
        )
    asked = [Refund(call.order_id, call.amount_fen, call.n) for call in sent]
    outcomes = await to.payments.refund(asked) if asked else []
    answered = [(call, _ENDS[outcome]) for call, outcome in zip(sent, outcomes, strict=True)]
    for call, state in answered:
        if state is CallState.FAILED:
            log.error("refund declined", order=call.order_id, call=call.n)
    if answered:
        async with to.shop.record.write() as connection:
            await connection.run_sync(book_refund_calls, answered, to.shop.clock())
            paid_back = {call.order_id for call, state in answered if state is CallState.DONE}
            await connection.run_sync(_notify_of_refunds, paid_back, to.shop.clock())
        async with to.shop.record.read() as connection:
            turns = await connection.run_sync(refund_turns, [call.order_id for call in sent])
        later |= {order_id: turn.due_at_ms for order_id, turn in turns.items()}
    return [
        replace(message, due_at_ms=later[message.subject])
        for message in messages
        if message.subject in later
    ]


async def set_flash_sales(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Flash sales were announced, ended or closed: the gate sells at their price, or no more."""
    ids = {message.subject for message in messages}
    places = select(flash_sales.c.room_id, flash_sales.c.product_id)
    places = places.where(flash_sales.c.id.in_(ids)).distinct()

    def look_up(connection: Connection) -> list[tuple[str, str, str, GateFlash | None]]:
        found = [(room_id, product_id) for room_id, product_id in connection.execute(places)]
        gates = gates_of_rooms(connection, {room_id for room_id, _ in found})
        return [
            (gates[room_id], room_id, product_id, open_sale(connection, room_id, product_id))
            for room_id, product_id in found
        ]

    for gate, room_id, product_id, sale in await to.shop.record.query(look_up):
        await to.gates.named(gate).set_flash(room_id, product_id, sale)
    return ()


async def show_activities(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Rooms are shown what they do together as it is now; votes in a rush at a pace."""
    at_ms, later = to.shop.clock(), []
    for subject in dict.fromkeys(message.subject for message in messages):
        due_at_ms = to.activities_shown.get(subject, 0) + ACTIVITY_EVERY_MS
        if at_ms < due_at_ms:
            waiting = [message for message in messages if message.subject == subject]
            later += [replace(message, due_at_ms=due_at_ms) for message in waiting]
            continue
        to.activities_shown[subject] = at_ms
        room_id, _, part = subject.partition("|")
        async with to.shop.record.read() as connection:
            match Part(part):
                case Part.POLL:
                    poll = await connection.run_sync(shown_poll, room_id, at_ms)
                    await to.feed.poll(room_id, poll)
                case Part.QUESTIONS:
                    found = await connection.run_sync(questions_of, room_id)
                    await to.feed.questions(room_id, found)
                case Part.DRAW:
                    draw = await connection.run_sync(shown_draw, room_id, at_ms)
                    view = None
                    if draw:
                        product = await to.shop.cache.product(draw.terms.product_id)
                        view = draw_view(draw, product)
                    await to.feed.draw(room_id, view)
                case Part.FLASH:
                    sale = await connection.run_sync(shown_sale, room_id, at_ms)
                    await to.feed.flash(room_id, sale)
                case Part.SHELF:
                    await to.feed.shelf(room_id, await connection.run_sync(shelf_of, room_id))
                case Part.NOTICE:
                    await to.feed.notice(room_id, await connection.run_sync(notice_of, room_id))
                case Part.COUPONS:
                    release = await connection.run_sync(shown_release, room_id, at_ms)
                    await to.feed.coupons(room_id, release)
                case Part.SCHEDULE:
                    catalogue = to.shop.catalogue
                    lives = await connection.run_sync(shown_teasers, catalogue, room_id, at_ms)
                    await to.feed.schedule(room_id, lives)
                case Part.NEXT_ROOM:
                    led = await connection.run_sync(next_room_of, to.shop.catalogue, room_id, at_ms)
                    await to.feed.next_room(room_id, led)
                case Part.MODERATION:
                    await to.feed.moderation(room_id, await connection.run_sync(shown_of, room_id))
    return later


async def show_cabinets(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Alarms of cabinets began or are over: their stores see it."""
    ids = {message.subject for message in messages}
    for store_id, now in await to.shop.record.query(lambda connection: alarms_of(connection, ids)):
        await to.feed.cabinet(store_id, now)
    return ()


async def free_coupons(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Orders gave their coupons back: the gate lets them be taken again."""
    pairs = [message.subject.partition("|") for message in messages]
    order_ids = {order_id for _, _, order_id in pairs}
    gates = await to.shop.record.query(lambda connection: gates_of_orders(connection, order_ids))
    for name in sorted(set(gates.values())):
        freed = [(coupon, order) for coupon, _, order in pairs if gates.get(order) == name]
        await to.gates.named(name).free_coupons(freed)
    return ()


async def end_tokens(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Staff lost rights: all workers refuse their older tokens."""
    await to.versions.publish({message.subject for message in messages})
    return ()


async def end_encoders(to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
    """Rooms have other stream keys or none: all workers end the encoders of the older ones."""
    await to.stream_keys.publish({message.subject for message in messages})
    return ()


# In this order: who may do it, places, the gate before the rooms, units before the holds that kept
# them, cards before their groups, money last.
HANDLERS: Mapping[Topic, Handler] = MappingProxyType(
    {
        Topic.STAFF: end_tokens,
        Topic.STREAM_KEY: end_encoders,
        Topic.PLACE: update_places,
        Topic.PRODUCT: update_products,
        Topic.RESTOCK: restock_gate,
        Topic.READMIT: end_holds,
        Topic.FLASH: set_flash_sales,
        Topic.RELEASE: release_units,
        Topic.COUPON: free_coupons,
        Topic.PIN: show_pins,
        Topic.GROUP: show_groups,
        Topic.STOCK: show_stock,
        Topic.ORDER: show_orders,
        Topic.CABINET: show_cabinets,
        Topic.ACTIVITY: show_activities,
        Topic.REFUND: send_refunds,
    }
)


async def _set_offers(to: Outlets, product_ids: Collection[str]) -> None:
    catalogue = to.shop.catalogue
    products = [catalogue.products[id] for id in sorted(product_ids) if id in catalogue.products]
    estates = catalogue.estates.values()
    of_brand: dict[str, list[Product]] = {}
    for product in products:
        of_brand.setdefault(catalogue.brand_id("product", product.id), []).append(product)
    for brand_id, found in of_brand.items():
        gate = to.gates.of(brand_id)
        await gate.set_products(found, catalogue.rules, estates, to.shop.clock())


def _notify_of_refunds(connection: Connection, order_ids: Collection[str], at_ms: int) -> None:
    if order_ids:
        rows = orders_of(connection, ORDERS.where(orders.c.id.in_(order_ids)))
        notify_buyers(connection, rows, NoticeKind.REFUND, "provider", at_ms)


async def _orders_by_gate(
    to: Outlets, messages: Sequence[Message]
) -> dict[RedisGate, dict[str, OrderRow]]:
    """The orders that messages name, by their gate and id."""
    ids = {message.subject for message in messages}
    found, gates = await to.shop.record.query(
        lambda connection: (_orders(connection, messages), gates_of_orders(connection, ids))
    )
    by_gate: dict[RedisGate, dict[str, OrderRow]] = {}
    for order in found:
        by_gate.setdefault(to.gates.named(gates[order.id]), {})[order.id] = order
    return by_gate


def _orders(connection: Connection, messages: Sequence[Message]) -> list[OrderRow]:
    ids = {message.subject for message in messages}
    which = ORDERS.where(orders.c.id.in_(ids)).order_by(orders.c.created_at_ms)
    return orders_of(connection, which)
