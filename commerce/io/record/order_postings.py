"""Orders made and moved, with the units, slots and money that go with it (postings.py)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, insert, update

from commerce.after_sales.claims import GoodsGo
from commerce.after_sales.price_drops import REASON as PRICE_DROP
from commerce.after_sales.refunds import discount_of_rest, refunded_by_line, refunded_by_part
from commerce.catalogue.stock import StockMove, StockMoveKind
from commerce.errors import IllegalMove
from commerce.io.record.book_rows import (
    cost_of_order,
    cost_of_units,
    sold_lots,
    tax_rates,
    taxed_lines,
)
from commerce.io.record.commissions import accrue
from commerce.io.record.coupon_rows import give_back_coupons, use_coupons
from commerce.io.record.draw_rows import prize_value
from commerce.io.record.facts import (
    orders_moved,
    orders_placed,
)
from commerce.io.record.intent_rows import honoured_orders
from commerce.io.record.order_lines import insert_lines
from commerce.io.record.postings import (
    IDS_MAX,
    Topic,
    enqueue,
    lock_stock,
    move_lots,
    move_stock,
    post_transfers,
    retake_stock,
    swap_store,
)
from commerce.io.record.quotas import retake_quotas, return_quotas, take_quotas
from commerce.io.record.refund_postings import request_part_refunds, rest_of
from commerce.io.record.refund_rows import (
    refunded_parts,
    refunds_of,
)
from commerce.io.record.rows import order_values
from commerce.io.record.schema import (
    group_seats,
    order_moves,
    orders,
)
from commerce.io.record.slots import (
    SlotPlan,
    add_route,
    add_routes,
    change_taken,
    next_route,
    place_group_orders,
    plan_slots,
)
from commerce.money.tax import tax_of_rest
from commerce.money.transfers import (
    charged,
    discounted,
    earned,
    sold_at_cost,
    taxed,
    unsold_at_cost,
    wasted_at_cost,
)
from commerce.orders.lines import Needs, encode_units
from commerce.orders.order import OrderRow
from commerce.orders.promise import slot_item, window_of
from commerce.orders.rerouting import NextStore, RerouteReason
from commerce.orders.states import WAITING, WITH_BUYER, OrderState, check_move, check_reversal
from commerce.supply.lots import (
    LocationKind,
    LotMove,
    LotMoveKind,
    location_id,
    take,
)


def insert_orders(connection: Connection, new: Sequence[OrderRow]) -> None:
    """Write new orders with their lines."""
    rates = tax_rates(connection, {line.product_id for o in new for line in o.all_lines})
    connection.execute(
        insert(orders),
        [
            order_values(order, None if order.lines else rates.get(order.product_id))
            for order in new
        ],
    )
    insert_lines(connection, [order for order in new if order.lines], rates)
    orders_placed(connection, new)


def move_order(
    connection: Connection,
    order: OrderRow,
    to: OrderState,
    moved_by: str,
    at_ms: int,
    *,
    reverse: bool = False,
) -> None:
    """Move one order from where the caller read it.

    Raises:
        IllegalMove: The table has no such transition, or another transaction moved it first.
    """
    which = (orders.c.id == order.id) & (orders.c.version == order.version)
    if not move_orders(connection, which, order.state, to, moved_by, at_ms, reverse=reverse):
        raise IllegalMove(order.state, to)


def move_orders(
    connection: Connection,
    which: ColumnElement[bool],
    state: OrderState,
    to: OrderState,
    moved_by: str,
    at_ms: int,
    *,
    due_at_ms: int | None = None,
    reverse: bool = False,
) -> list[str]:
    """Move those orders of `which` that are in `state`; return their ids.

    `reverse` is the undo of a move.

    Raises:
        IllegalMove: The table has no such transition.
    """
    (check_reversal if reverse else check_move)(state, to)
    values: dict[str, object] = {"state": to.value, "version": orders.c.version + 1}
    if due_at_ms is not None:
        values["due_at_ms"] = due_at_ms
    if to in WITH_BUYER:
        values["handed_over_at_ms"] = at_ms
    moved = connection.execute(
        update(orders)
        .where(which, orders.c.state == state.value)
        .values(values)
        .returning(orders.c.id, orders.c.version)
    ).all()
    if moved:
        connection.execute(
            insert(order_moves),
            [
                {
                    "order_id": order_id,
                    "version": version,
                    "from_state": state.value,
                    "to_state": to.value,
                    "moved_by": moved_by,
                    "at_ms": at_ms,
                }
                for order_id, version in moved
            ],
        )
        versions = [(order_id, version) for order_id, version in moved]
        orders_moved(connection, versions, state.value, to.value, due_at_ms, at_ms)
        if to is OrderState.NEW and (state in WAITING or state is OrderState.EXPIRED):
            use_coupons(connection, [order_id for order_id, _ in moved])
    return [order_id for order_id, _ in moved]


def give_to_household(
    connection: Connection, order_ids: Collection[str], household_id: str
) -> None:
    """Count these orders and their seats for a household."""
    for table, column in ((orders, orders.c.id), (group_seats, group_seats.c.order_id)):
        connection.execute(
            update(table).where(column.in_(order_ids)).values(household_id=household_id)
        )


def cancel_orders(
    connection: Connection, cancelled: Sequence[OrderRow], reason: str, moved_by: str, at_ms: int
) -> None:
    """Cancel orders that hold stock and that the caller has locked: units and money go back.

    Raises:
        IllegalMove: One of them is not where the caller read it.
    """
    undo_orders(connection, cancelled, OrderState.CANCELLED, reason, moved_by, at_ms)


def undo_orders(
    connection: Connection,
    cancelled: Sequence[OrderRow],
    to: OrderState,
    reason: str,
    moved_by: str,
    at_ms: int,
) -> None:
    """Cancel orders, let unpaid ones expire, or take what was ready or out back as returned.

    Units go back, and what was paid.

    Raises:
        IllegalMove: One of them is not where the caller read it.
    """
    for state in dict.fromkeys(order.state for order in cancelled):
        ids = [order.id for order in cancelled if order.state is state]
        for at in range(0, len(ids), IDS_MAX):
            part = ids[at : at + IDS_MAX]
            moved = move_orders(connection, orders.c.id.in_(part), state, to, moved_by, at_ms)
            if len(moved) != len(part):
                raise IllegalMove(state, to)
    move_stock(connection, _stock_moves(cancelled, StockMoveKind.RELEASE, at_ms))
    change_taken(connection, cancelled, -1)
    return_quotas(connection, cancelled, at_ms)
    ids = [order.id for order in cancelled]
    again = honoured_orders(connection, ids)
    enqueue(connection, Topic.RELEASE, [id for id in ids if id not in again], at_ms)
    enqueue(connection, Topic.RELEASE, sorted(again), at_ms, 1)
    give_back_coupons(connection, ids, at_ms)
    rest = [(order, reason) for order in cancelled]
    refunds = rest_of(connection, rest, refunded_parts(connection, ids))
    request_part_refunds(connection, cancelled, refunds, at_ms)
    enqueue(connection, Topic.ORDER, ids, at_ms)
    enqueue(connection, Topic.STOCK, items_of(cancelled), at_ms)


def take_money(connection: Connection, order: OrderRow, at_ms: int) -> OrderRow:
    """The whole price of an order that the caller has locked came; return the order."""
    which = orders.c.id == order.id
    connection.execute(update(orders).where(which).values(paid_fen=order.total_fen))
    post_transfers(connection, [charged(order.id, order.total_fen, at_ms)])
    return replace(order, paid_fen=order.total_fen)


def retake(
    connection: Connection, order: OrderRow, slot: str, quotas: Needs, at_ms: int
) -> OrderRow:
    """Have an expired order take its units again, with a slot; the caller has locked them.

    Returns:
        The order with its slot, and the units of a flash sale that it has now.
    """
    retake_stock(connection, order, at_ms)
    taken = replace(order, slot=slot, quotas=quotas)
    change_taken(connection, [taken], 1)
    retake_quotas(connection, taken, at_ms)
    values = {"slot": slot, "quotas": encode_units(quotas)}
    connection.execute(update(orders).where(orders.c.id == order.id).values(values))
    rows = [f"{item_id}|{order.store_id}" for item_id, _ in taken.held]
    for row, (_, units) in zip(rows, taken.held, strict=True):
        enqueue(connection, Topic.RESTOCK, [row], at_ms, -units)
    enqueue(connection, Topic.STOCK, items_of([order]), at_ms)
    return taken


def sell(connection: Connection, sales: Sequence[OrderRow], ruled_out: Mapping[str, str]) -> None:
    """Take the units of new orders, and their slots.

    `ruled_out` are the stores that did not get them, by order (orders/promise.py).
    """
    move_stock(connection, _stock_moves(sales, StockMoveKind.SELL))
    change_taken(connection, sales, 1)
    take_quotas(connection, sales)
    add_routes(connection, ruled_out, sales)


def place_groups(connection: Connection, order_ids: Sequence[str], at_ms: int) -> dict[str, str]:
    """Give orders of complete groups the next slots of their stores; return them by order.

    Those that find no room have none, and are due as if their store counted no slots.
    """
    placed, taken = place_group_orders(connection, order_ids, at_ms)
    for (store_id, name), count in sorted(taken.items()):
        enqueue(connection, Topic.RESTOCK, [f"{slot_item(name)}|{store_id}"], at_ms, -count)
    return placed


def set_slots(connection: Connection, plans: Sequence[SlotPlan], at_ms: int) -> int:
    """Set how many orders windows take, and have the gate follow; return how many changed."""
    changes = plan_slots(connection, plans)
    for (store_id, name), units in sorted(changes.items()):
        enqueue(connection, Topic.RESTOCK, [f"{slot_item(name)}|{store_id}"], at_ms, units)
    return len(changes)


def reroute_order(
    connection: Connection,
    order: OrderRow,
    to: NextStore,
    reason: RerouteReason,
    consent_ms: int,
    at_ms: int,
) -> None:
    """Give an order that the caller has locked, with the stock and slots of both, to a store.

    It takes its units and its slot there, and gives back those of its old store.
    """
    assert to.store_id is not None
    n = next_route(connection, order.id)
    due_at_ms = window_of(to.slot).until_ms if to.slot else order.due_at_ms
    moved = replace(order, store_id=to.store_id, slot=to.slot)
    swap_store(connection, order, to.store_id, n, at_ms)
    change_taken(connection, [order], -1)
    change_taken(connection, [moved], 1)
    connection.execute(
        update(orders)
        .where(orders.c.id == order.id)
        .values(
            store_id=to.store_id,
            slot=to.slot,
            due_at_ms=due_at_ms,
            consent_by_ms=consent_ms,
            version=orders.c.version + 1,
        )
    )
    add_route(connection, moved, n, to.ruled_out, reason, at_ms)
    for from_or_to, sign in ((order, 1), (moved, -1)):
        for item_id, units in from_or_to.held:
            name = f"{item_id}|{from_or_to.store_id}"
            enqueue(connection, Topic.RESTOCK, [name], at_ms, sign * units)
    enqueue(connection, Topic.STOCK, items_of([order]), at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)


def agree_to_store(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """The buyer of an order that the caller has locked takes the store that it moved to."""
    values = {"consent_by_ms": None, "version": orders.c.version + 1}
    connection.execute(update(orders).where(orders.c.id == order.id).values(**values))
    enqueue(connection, Topic.ORDER, [order.id], at_ms)


def hand_over(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """The goods leave the shelf; their price is earned, their tax owed, their cost spent."""
    move_stock(connection, _stock_moves([order], StockMoveKind.HAND_OVER, at_ms))
    requested = refunds_of(connection, [order.id]).get(order.id, [])
    given = refunded_by_part(requested)
    off_fen = sum(refund.amount_fen for refund in requested if refund.reason == PRICE_DROP)
    left = order.paid_fen - sum(given.values())
    lines, prize_fen = taxed_lines(connection, order), 0
    if order.is_prize:  # tax is owed on what is given away, too
        prize_fen = prize_value(connection, order.id)
        lines = [replace(line, total_fen=prize_fen) for line in lines]
    tax = tax_of_rest(lines, refunded_by_line(given))
    cost = cost_of_order(connection, order.id)
    off = discount_of_rest(order, refunded_by_line(given))
    made = (
        discounted(order.id, order.store_id, off, at_ms),
        earned(order.id, order.store_id, left, at_ms),
        discounted(order.id, order.store_id, prize_fen, at_ms),
        discounted(order.id, order.store_id, off_fen, at_ms, order.group_id),
        taxed(order.id, order.store_id, tax, at_ms),
        sold_at_cost(order.id, order.store_id, cost, at_ms),
    )
    post_transfers(connection, [transfer for transfer in made if transfer.amount_fen > 0])
    post_transfers(connection, accrue(connection, order, refunded_by_line(given), at_ms))


def settle_goods(
    connection: Connection,
    order: OrderRow,
    claim_id: str,
    product_id: str,
    units: int,
    goods: GoodsGo,
    moved_by: str,
    at_ms: int,
) -> None:
    """Move units that were handed over back into stock, or to waste, with what they cost."""
    if goods is GoodsGo.NOWHERE:
        return
    back = goods is GoodsGo.STOCK
    kind = LotMoveKind.TAKEN_BACK if back else LotMoveKind.CLAIMED
    to = location_id(LocationKind.SHOP, order.store_id) if back else LocationKind.WASTE.value
    lock_stock(connection, [(product_id, order.store_id)])
    chosen = take(sold_lots(connection, order.id, product_id), units)
    moves = [
        LotMove(
            product_id, lot_id, LocationKind.SOLD.value, to, part, kind, claim_id, product_id,
            at_ms, moved_by,
        )
        for lot_id, part in chosen
    ]  # fmt: skip
    move_lots(connection, moves, at_ms)
    cost_fen = cost_of_units(connection, chosen)
    if cost_fen:
        settle = unsold_at_cost if back else wasted_at_cost
        post_transfers(connection, [settle(order.id, order.store_id, cost_fen, at_ms, claim_id)])


def items_of(touched: Sequence[OrderRow]) -> list[str]:
    """Return the items that orders take, sorted."""
    return sorted({item_id for order in touched for item_id, _ in order.taken})


def _stock_moves(
    moved: Sequence[OrderRow], kind: StockMoveKind, at_ms: int | None = None
) -> list[StockMove]:
    """One move per order and item; without a time, at that of the order."""
    return [
        StockMove(item_id, order.store_id, kind, units, at_ms or order.created_at_ms, order.id)
        for order in moved
        for item_id, units in order.taken
    ]
