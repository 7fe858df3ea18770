"""What the ledger reads and writes inside its one transaction; for `Record.transact`.

Locks are taken in one order everywhere: groups, stock, slots, quotas, orders, counter; each sorted
by key.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    collate,
    select,
    update,
)

from commerce.io.record.coupon_rows import lock_coupons, take_coupons
from commerce.io.record.intent_rows import insert_intents
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import (
    insert_orders,
    items_of,
    place_groups,
    sell,
)
from commerce.io.record.postings import PLACED, Topic, enqueue, post_transfers
from commerce.io.record.price_drops import unsettle
from commerce.io.record.quotas import lock_quotas
from commerce.io.record.recipes import recipes_of
from commerce.io.record.refund_postings import request_refunds
from commerce.io.record.rows import GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, counters, group_seats, orders, stock
from commerce.io.record.seats import complete_groups, take_seats
from commerce.io.record.slots import lock_slots
from commerce.money.intents import Intent, IntentState, PaymentAccount, expires_at_ms
from commerce.orders.ledger import Facts, Plan
from commerce.orders.order import Entry, OrderRow
from commerce.orders.promise import window_of
from commerce.orders.states import OrderState

ORDER_NUMBER = "order"
PLACED_STATES = frozenset({OrderState.WAITING_GROUP, OrderState.NEW})
"""Of a new order: it has been placed, while others are refused or wait for their payment."""


def load_facts(connection: Connection, entries: Sequence[Entry]) -> Facts:
    """Lock and read everything that a batch touches."""
    facts = Facts()
    group_ids = sorted({entry.group_id for entry in entries if entry.group_id})
    if group_ids:
        rows = connection.execute(
            GROUPS.where(buying_groups.c.id.in_(group_ids))
            .order_by(buying_groups.c.id)
            .with_for_update()
        )
        facts.groups = {row["id"]: group_of(row) for row in rows.mappings()}
        seats = connection.execute(
            select(group_seats.c.group_id, group_seats.c.household_id).where(
                group_seats.c.group_id.in_(group_ids),
                group_seats.c.household_id.in_({entry.household for entry in entries}),
            )
        )
        facts.seats = {(row.group_id, row.household_id) for row in seats}
    free = connection.execute(
        select(stock.c.product_id, stock.c.store_id, stock.c.on_hand - stock.c.sold)
        .where(
            stock.c.product_id.in_({item for entry in entries for item, _ in entry.taken}),
            stock.c.store_id.in_({entry.store_id for entry in entries}),
        )
        .order_by(*_bytewise(connection, stock.c.product_id, stock.c.store_id))
        .with_for_update()
    )
    facts.free = {(product, store): units for product, store, units in free}
    facts.slots = _lock_slots(connection, entries, group_ids)
    facts.quotas = lock_quotas(connection, {name for entry in entries for name, _ in entry.quotas})
    facts.coupons = lock_coupons(connection, {e.coupon_id for e in entries if e.coupon_id})
    known = ORDERS.where(orders.c.id.in_([entry.order_id for entry in entries]))
    facts.known = {order.id: order for order in orders_of(connection, known)}
    facts.recipes = recipes_of(
        connection,
        {
            (line.product_id, line.recipe_version)
            for entry in entries
            for line in entry.lines
            if line.recipe_version
        },
    )
    return facts


def _lock_slots(
    connection: Connection, entries: Sequence[Entry], group_ids: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Lock the slots that entries hold, and those that a group may take when it is complete."""
    named = {(entry.store_id, entry.slot) for entry in entries if entry.slot}
    if not group_ids:
        return lock_slots(connection, named)
    waiting = connection.scalars(
        select(orders.c.store_id)
        .where(
            orders.c.group_id.in_(group_ids),
            orders.c.state == OrderState.WAITING_GROUP.value,
        )
        .distinct()
    )
    all_of = {*waiting, *(entry.store_id for entry in entries if entry.group_id)}
    return lock_slots(connection, named, all_of, min(entry.at_ms for entry in entries))


def _bytewise(connection: Connection, *columns: Column[str]) -> Sequence[ColumnElement[str]]:
    """Sort as Python does, and so as all others who lock stock do."""
    return [
        collate(each, "C" if connection.dialect.name == "postgresql" else "BINARY")
        for each in columns
    ]


def next_number(connection: Connection, count: int) -> int:
    """Take `count` order numbers; return the first."""
    value = connection.execute(
        update(counters)
        .where(counters.c.name == ORDER_NUMBER)
        .values(value=counters.c.value + count)
        .returning(counters.c.value)
    )
    return int(value.scalar_one()) - count


def write_plan(connection: Connection, plan: Plan, account: PaymentAccount | None = None) -> None:
    """Write all of a plan; orders that wait for their payment are paid to `account`."""
    if not plan.orders:
        return
    at_ms = max(order.created_at_ms for order in plan.orders)
    moved_on = complete_groups(connection, plan.joined, plan.reached)
    insert_orders(connection, plan.orders)
    sell(connection, plan.sales, plan.ruled_out)
    take_coupons(connection, plan.orders, plan.discounts)
    _place_groups(connection, plan, moved_on, at_ms)
    take_seats(connection, plan.sales)
    insert_intents(connection, _intents(plan, account) if account else ())
    unsettle(connection, sorted(plan.joined))
    post_transfers(connection, plan.transfers)
    refused = [(order, order.refused) for order in plan.refunds if order.refused]
    request_refunds(connection, refused, at_ms)
    shown = [order for order in plan.orders if order.refused is None or order.paid_fen]
    placed = [order.id for order in shown if order.state in PLACED_STATES]
    others = [order.id for order in shown if order.state not in PLACED_STATES]
    enqueue(connection, Topic.GROUP, sorted(plan.joined), at_ms)
    enqueue(connection, Topic.STOCK, items_of(plan.sales), at_ms)
    enqueue(connection, Topic.ORDER, placed, at_ms, PLACED)
    enqueue(connection, Topic.ORDER, others + moved_on, at_ms)


def _intents(plan: Plan, account: PaymentAccount) -> list[Intent]:
    """One attempt per order that waits for its payment, due at once."""
    return [
        Intent(
            order.id,
            order.id,
            account.provider,
            account.account,
            order.total_fen,
            IntentState.CREATED,
            order.created_at_ms,
            expires_at_ms(order.created_at_ms, group.ends_at_ms if group else None),
            order.created_at_ms,
        )
        for order in plan.sales
        if order.state is OrderState.WAITING_PAYMENT
        for group in [plan.groups.get(order.group_id)]
    ]


def _place_groups(connection: Connection, plan: Plan, moved_on: Sequence[str], at_ms: int) -> None:
    """Orders of complete groups take slots of their stores; the plan's own show them."""
    own = [order.id for order in plan.sales if order.group_id and order.state is OrderState.NEW]
    placed = place_groups(connection, [*moved_on, *own], at_ms)
    if not placed:
        return

    def with_slot(order: OrderRow) -> OrderRow:
        slot = placed.get(order.id)
        return replace(order, slot=slot, due_at_ms=window_of(slot).until_ms) if slot else order

    plan.orders = [with_slot(order) for order in plan.orders]
    plan.verdicts = [replace(verdict, order=with_slot(verdict.order)) for verdict in plan.verdicts]
