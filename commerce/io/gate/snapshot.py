"""What the record says of one gate, read at one moment."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.values import Estate, Product
from commerce.groups.group import JOINABLE, Group
from commerce.io.gate.flash_rows import OPEN_SALES, counted_by_sale, flash_of
from commerce.io.gate.redis_gate import StockRow
from commerce.io.record.rows import GROUPS, HOUSEHOLD, PRODUCTS, estate_of, group_of, product_of
from commerce.io.record.rule_book import read_rule_book
from commerce.io.record.schema import (
    brands,
    buying_groups,
    estates,
    group_seats,
    orders,
    outbox,
    products,
    rooms,
    stock,
    stores,
)
from commerce.io.record.schema_flash import flash_sales, quotas
from commerce.io.record.schema_sets import order_lines
from commerce.io.record.schema_slots import slots
from commerce.orders.flash import GateFlash
from commerce.orders.gate import IDEMPOTENCY_MS, LIMIT_WINDOW_MS
from commerce.orders.order import PRIZE_ENTRY
from commerce.orders.promise import slot_item
from commerce.orders.quotas import PLACE
from commerce.orders.states import UNDONE_VALUES, OrderState

ANSWERS_MAX = 20_000  # newest orders whose keys are restored
SLOTS_KEPT_MS = 3_600 * 1_000  # slots are compared for so long after their window


@dataclass(slots=True)
class RecordSnapshot:
    """What the record says, read at one moment."""

    stock: list[StockRow]
    products: list[Product]
    estates: list[Estate]
    rules: RuleBook
    groups: list[Group]
    seats: list[tuple[str, str, str]]
    flash: list[tuple[str, str, GateFlash]]
    bought: list[tuple[str, str, int, int]]
    recent: list[tuple[str, str]]
    undelivered: list[str]
    known: set[str] = field(default_factory=set)


def _brands_of(gate: str) -> Select[Any]:
    return select(brands.c.id).where(brands.c.gate == gate)


def _stores_of(gate: str) -> Select[Any]:
    return select(stores.c.id).where(stores.c.brand_id.in_(_brands_of(gate)))


async def read_snapshot(connection: AsyncConnection, at_ms: int, gate: str) -> RecordSnapshot:
    """Read all that a gate is made from."""
    own_brands, own_stores = _brands_of(gate), _stores_of(gate)
    own_estates = select(estates.c.id).where(estates.c.brand_id.in_(own_brands))
    own_rooms = select(rooms.c.id).where(rooms.c.store_id.in_(own_stores))
    of_gate = orders.c.store_id.in_(own_stores)
    joinable = (
        buying_groups.c.estate_id.in_(own_estates),
        buying_groups.c.state.in_([state.value for state in JOINABLE]),
        buying_groups.c.ends_at_ms > at_ms,
    )
    groups = await connection.execute(
        GROUPS.where(*joinable).order_by(buying_groups.c.opened_at_ms)
    )
    seats = await connection.execute(select(group_seats).join(buying_groups).where(*joinable))
    unpaid = await connection.execute(
        select(orders.c.group_id, HOUSEHOLD, orders.c.id)
        .join(buying_groups, buying_groups.c.id == orders.c.group_id)
        .where(orders.c.state == OrderState.WAITING_PAYMENT.value, *joinable)
    )
    bought = await connection.execute(_bought_since(at_ms - LIMIT_WINDOW_MS, of_gate))
    taken = await connection.execute(
        select(HOUSEHOLD.label("household"), orders.c.quotas, orders.c.created_at_ms).where(
            orders.c.created_at_ms > at_ms - LIMIT_WINDOW_MS,
            orders.c.state.not_in(UNDONE_VALUES),
            orders.c.quotas != "",
            of_gate,
        )
    )
    sales = await connection.execute(OPEN_SALES.where(flash_sales.c.room_id.in_(own_rooms)))
    recent = await connection.execute(
        select(orders.c.id, orders.c.body_hash)
        .where(orders.c.created_at_ms > at_ms - IDEMPOTENCY_MS, of_gate)
        .order_by(orders.c.created_at_ms.desc())
        .limit(ANSWERS_MAX)
    )
    undelivered = await connection.execute(
        select(
            outbox.c.id,
            outbox.c.topic,
            outbox.c.subject,
            outbox.c.units,
            outbox.c.enqueued_at_ms,
        ).where(outbox.c.topic.in_(["release", "restock"]))
    )
    goods = await connection.execute(PRODUCTS.where(products.c.brand_id.in_(own_brands)))
    homes = await connection.execute(select(estates).where(estates.c.brand_id.in_(own_brands)))
    return RecordSnapshot(
        stock=await read_stock(connection, at_ms, gate),
        products=[product_of(row) for row in goods.mappings()],
        estates=[estate_of(row) for row in homes.mappings()],
        rules=await read_rule_book(connection, RuleBook()),
        groups=[group_of(row) for row in groups.mappings()],
        # Who has yet to pay joins no second time.
        seats=[(group_id, household, order_id) for group_id, household, order_id in unpaid]
        + [(row.group_id, row.household_id, row.order_id) for row in seats],
        flash=[(row.room_id, row.product_id, flash_of(row)) for row in sales],
        bought=[
            *[(home, product, int(units), since) for home, product, units, since in bought],
            *counted_by_sale(taken.all()),
        ],
        recent=[(order_id, body_hash) for order_id, body_hash in recent],
        undelivered=[
            release_change(subject, units)
            if topic == "release"
            else restock_change(id, enqueued_at_ms)
            for id, topic, subject, units, enqueued_at_ms in undelivered
        ],
    )


def _bought_since(since_ms: int, of_gate: ColumnElement[bool]) -> Select[Any]:
    """Units by household and product, and when the first order was made; orders of lines, too."""
    counted = (
        orders.c.created_at_ms > since_ms,
        of_gate,
        orders.c.state.not_in(UNDONE_VALUES),
        orders.c.entry_id.not_like(f"{PRIZE_ENTRY}%"),
    )
    own = select(
        HOUSEHOLD.label("household"),
        orders.c.product_id,
        orders.c.quantity.label("units"),
        orders.c.created_at_ms,
    ).where(*counted, orders.c.line_count == 0)
    of_lines = (
        select(
            HOUSEHOLD.label("household"),
            order_lines.c.product_id,
            order_lines.c.units,
            orders.c.created_at_ms,
        )
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(*counted)
    )
    each = union_all(own, of_lines).subquery()
    return select(
        each.c.household, each.c.product_id, func.sum(each.c.units), func.min(each.c.created_at_ms)
    ).group_by(each.c.household, each.c.product_id)


async def read_stock(
    connection: AsyncConnection, at_ms: int, gate: str | None = None
) -> list[StockRow]:
    """What the record says of products in stores, and of slots and quotas that are not over.

    Of one gate, or of all.
    """
    stocks = select(
        stock.c.product_id, stock.c.store_id, stock.c.on_hand - stock.c.sold, stock.c.moves
    )
    limits = select(
        quotas.c.brand_id, quotas.c.name, quotas.c.capacity - quotas.c.taken, quotas.c.moves
    ).where(quotas.c.until_ms > at_ms)
    windows = select(
        slots.c.name, slots.c.store_id, slots.c.capacity - slots.c.taken, slots.c.moves
    ).where(slots.c.until_ms > at_ms - SLOTS_KEPT_MS)
    if gate is not None:
        stocks = stocks.where(stock.c.store_id.in_(_stores_of(gate)))
        limits = limits.where(quotas.c.brand_id.in_(_brands_of(gate)))
        windows = windows.where(slots.c.store_id.in_(_stores_of(gate)))
    of_brand = await _gates(connection, select(brands.c.id, brands.c.gate))
    of_store = await _gates(
        connection,
        select(stores.c.id, brands.c.gate).join(brands, brands.c.id == stores.c.brand_id),
    )
    return (
        [
            StockRow(product, store, free, moves, of_store[store])
            for product, store, free, moves in await connection.execute(stocks)
        ]
        + [
            StockRow(slot_item(name), store, free, moves, of_store[store])
            for name, store, free, moves in await connection.execute(windows)
        ]
        + [
            StockRow(name, PLACE, free, moves, of_brand[brand])
            for brand, name, free, moves in await connection.execute(limits)
        ]
    )


def restock_change(outbox_id: int, enqueued_at_ms: int) -> str:
    """Return the id under which units received are applied to the gate.

    The time belongs to it: ids begin anew in a record that was restored or moved.
    """
    return f"restock-{outbox_id}-{enqueued_at_ms}"


def release_change(order_id: str, again: int) -> str:
    """Return the id under which an order's units go back; `again` if it was paid late before."""
    return f"{order_id}-again" if again else order_id


async def _gates(connection: AsyncConnection, query: Select[Any]) -> dict[str, str]:
    return {id: gate for id, gate in await connection.execute(query)}
