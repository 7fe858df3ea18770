"""The only place that writes money, stock and order moves, and what the outbox has to deliver.

Every function runs inside the caller's transaction: directly in `Record.transact`, or as
`await connection.run_sync(post_transfers, …)` in `Record.write`. A transaction locks in the order
groups, stock, slots, orders, counter, each sorted by key.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.after_sales.claims import GoodsGo
from commerce.after_sales.refunds import PartKey, PartRefund, refund_of_rest, refunded_by_line
from commerce.catalogue.stock import StockMove, StockMoveKind, sum_moves
from commerce.errors import IllegalMove
from commerce.io.record.book_rows import (
    cost_of_order,
    cost_of_units,
    last_closed,
    order_brands,
    sold_lots,
    tax_rates,
    taxed_lines,
)
from commerce.io.record.commissions import accrue, claw_back
from commerce.io.record.facts import (
    groups_changed,
    lots_moved,
    money_moved,
    orders_moved,
    orders_placed,
    stock_moved,
)
from commerce.io.record.lots import add_lot, follow, write_lot_moves
from commerce.io.record.order_lines import insert_lines, orders_of
from commerce.io.record.refund_rows import (
    calls_of,
    finish_refunds,
    insert_refunds,
    make_call,
    move_calls,
    refund_turns,
    refunded_parts,
    taken_back,
)
from commerce.io.record.rows import GROUPS, group_of, order_values
from commerce.io.record.schema import (
    buying_groups,
    group_seats,
    money_transfers,
    order_moves,
    orders,
    outbox,
    stock,
    stock_moves,
)
from commerce.io.record.slots import (
    SlotPlan,
    add_routes,
    change_taken,
    place_group_orders,
    plan_slots,
)
from commerce.money.accounts import Account, account, period_of
from commerce.money.refund_calls import CallState, RefundCall, RefundPace, choose
from commerce.money.tax import tax_of_rest
from commerce.money.transfers import (
    UNEARNED,
    Transfer,
    earned,
    refunded,
    sold_at_cost,
    tax_given_back,
    taxed,
    unsold_at_cost,
    wasted_at_cost,
)
from commerce.orders.order import OrderRow
from commerce.orders.promise import slot_item
from commerce.orders.states import OrderState, check_move, check_reversal
from commerce.supply.lots import (
    LocationKind,
    Lot,
    LotMove,
    LotMoveKind,
    default_lot,
    location_id,
    shop_changes,
    take,
)

IDS_MAX = 1_000  # ids per statement


class Topic(StrEnum):
    """What an outbox row is about. `subject` is an id, or two ids joined by `|`."""

    PLACE = "place"  # brand: one of its places or settings changed
    PRODUCT = "product"  # product: price, limit or sale state changed
    RESTOCK = "restock"  # product|store: units or slots came, or left otherwise than by an order
    RELEASE = "release"  # order: its units go back on sale
    PIN = "pin"  # room|product: pinned or unpinned
    GROUP = "group"  # group: opened, grew or ended
    STOCK = "stock"  # product: fewer or more units may be sold
    ORDER = "order"  # order: made or moved
    REFUND = "refund"  # order: the payment goes back
    STAFF = "staff"  # staff: their older tokens hold no more
    STREAM_KEY = "stream_key"  # room: its older stream key holds no more
    ACTIVITY = "activity"  # room|part: what the room does together changed (activities/news.py)


def enqueue(
    connection: Connection, topic: Topic, subjects: Sequence[str], at_ms: int, units: int = 0
) -> None:
    """Have the outbox deliver `topic` for each subject once the transaction has committed."""
    if subjects:
        connection.execute(
            insert(outbox),
            [
                {
                    "topic": topic.value,
                    "subject": subject,
                    "units": units,
                    "due_at_ms": at_ms,
                    "enqueued_at_ms": at_ms,
                }
                for subject in subjects
            ],
        )
    if topic is Topic.GROUP:
        # Whatever changes a group has it delivered, so this is where its facts come from.
        for at in range(0, len(subjects), IDS_MAX):
            which = GROUPS.where(buying_groups.c.id.in_(subjects[at : at + IDS_MAX]))
            changed = connection.execute(which.order_by(buying_groups.c.id)).mappings()
            groups_changed(connection, [group_of(row) for row in changed], at_ms)


def post_transfers(connection: Connection, transfers: Sequence[Transfer]) -> None:
    """Write money transfers, each of them once per order, kind and source.

    They go to the books of their day, or of the first open one after it.
    """
    if not transfers:
        return
    brands = order_brands(connection, {t.order_id for t in transfers if t.order_id})
    closed = last_closed(connection)
    rows = []
    for transfer in transfers:
        brand_id = transfer.brand_id or brands.get(transfer.order_id, "")
        rows.append(
            {
                "order_id": transfer.order_id or None,
                "kind": transfer.kind.value,
                "from_account": transfer.from_account,
                "to_account": transfer.to_account,
                "amount_fen": transfer.amount_fen,
                "at_ms": transfer.at_ms,
                "source": transfer.source,
                "brand_id": brand_id,
                "period": period_of(transfer.at_ms, closed.get(brand_id, "")),
            }
        )
    connection.execute(insert(money_transfers), rows)
    money_moved(connection, transfers)


def stamp_periods(connection: Connection) -> None:
    """Give transfers that an older version wrote their brand and day; the caller closes a day."""
    rows = connection.execute(
        select(money_transfers.c.id, money_transfers.c.order_id, money_transfers.c.at_ms).where(
            money_transfers.c.period == ""
        )
    ).all()
    brands = order_brands(connection, {row.order_id for row in rows})
    closed = last_closed(connection)
    for row in rows:
        brand_id = brands[row.order_id]
        period = period_of(row.at_ms, closed.get(brand_id, ""))
        connection.execute(
            update(money_transfers)
            .where(money_transfers.c.id == row.id)
            .values(brand_id=brand_id, period=period)
        )


_CHANGE_STOCK = (
    update(stock)
    .where(stock.c.product_id == bindparam("p"), stock.c.store_id == bindparam("s"))
    .values(
        on_hand=stock.c.on_hand + bindparam("on_hand_units"),
        sold=stock.c.sold + bindparam("sold_units"),
        moves=stock.c.moves + bindparam("count"),
    )
)


def move_stock(connection: Connection, moves: Sequence[StockMove]) -> None:
    """Move stock whose rows exist; a move of an order is written once per product and kind."""
    if not moves:
        return
    connection.execute(
        _CHANGE_STOCK,
        [
            {
                "p": product_id,
                "s": store_id,
                "on_hand_units": change.on_hand,
                "sold_units": change.sold,
                "count": change.moves,
            }
            for (product_id, store_id), change in sum_moves(moves).items()
        ],
    )
    connection.execute(
        insert(stock_moves),
        [
            {
                "product_id": move.product_id,
                "store_id": move.store_id,
                "order_id": move.order_id,
                "kind": move.kind.value,
                "units": move.units,
                "at_ms": move.at_ms,
            }
            for move in moves
        ],
    )
    follow(connection, moves)
    stock_moved(connection, moves)


def receive_stock(
    connection: Connection,
    product_id: str,
    store_id: str,
    units: int,
    at_ms: int,
    *,
    lot: Lot | None = None,
    source: str = "",
    moved_by: str = "",
) -> None:
    """Add units that arrived in a store, and have the gate get them.

    Without a lot they join the product's default one there. `source` names the delivery.
    """
    lot = lot or Lot(default_lot(product_id, store_id), product_id)
    add_lot(connection, lot)
    lock_stock(connection, [(product_id, store_id)])
    move_stock(connection, [StockMove(product_id, store_id, StockMoveKind.RECEIVE, units, at_ms)])
    if not source:
        moves = select(stock.c.moves).where(*_at(product_id, store_id))
        source = f"receive:{store_id}:{connection.scalar(moves)}"
    shop = location_id(LocationKind.SHOP, store_id)
    goes = (product_id, lot.id, LocationKind.SUPPLIER.value, shop, units)
    move = LotMove(*goes, LotMoveKind.RECEIVE, source, product_id, at_ms, moved_by)
    write_lot_moves(connection, [move])
    lots_moved(connection, [move])
    enqueue(connection, Topic.RESTOCK, [f"{product_id}|{store_id}"], at_ms, units)


def lock_stock(connection: Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Lock the counts of (product, store) until the transaction ends, and make those missing."""
    for product_id, store_id in sorted(set(rows)):
        # An update that changes nothing locks the row if there is one. Of two that make the same
        # one, the second waits for the first, and locks what it made.
        lock = update(stock).where(*_at(product_id, store_id)).values(sold=stock.c.sold)
        while connection.execute(lock).rowcount == 0:
            key = {"product_id": product_id, "store_id": store_id}
            row = {**key, "on_hand": 0, "sold": 0, "moves": 0}
            connection.execute(_insert_for(connection)(stock).on_conflict_do_nothing(), row)


def _insert_for(connection: Connection) -> Any:
    return insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql


def move_lots(connection: Connection, moves: Sequence[LotMove], at_ms: int) -> None:
    """Move units of lots whose stock rows the caller has locked, and have the gate follow."""
    write_lot_moves(connection, moves)
    lots_moved(connection, moves)
    for (product_id, store_id), units in shop_changes(moves).items():
        connection.execute(
            update(stock)
            .where(*_at(product_id, store_id))
            .values(on_hand=stock.c.on_hand + units, moves=stock.c.moves + 1)
        )
        enqueue(connection, Topic.RESTOCK, [f"{product_id}|{store_id}"], at_ms, units)


def _at(product_id: str, store_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return stock.c.product_id == product_id, stock.c.store_id == store_id


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
    if to is OrderState.HANDED_OVER:
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
    return [order_id for order_id, _ in moved]


def give_to_household(
    connection: Connection, order_ids: Collection[str], household_id: str
) -> None:
    """Count these orders and their seats for a household."""
    for table, column in ((orders, orders.c.id), (group_seats, group_seats.c.order_id)):
        connection.execute(
            update(table).where(column.in_(order_ids)).values(household_id=household_id)
        )


def request_refunds(
    connection: Connection, paid: Sequence[tuple[OrderRow, str]], at_ms: int
) -> None:
    """Have all that is left of paid orders go back; each order with the reason."""
    refunds = _rest_of(connection, paid, {})
    request_part_refunds(connection, [order for order, _ in paid], refunds, at_ms)


def request_part_refunds(
    connection: Connection,
    of_orders: Sequence[OrderRow],
    refunds: Sequence[PartRefund],
    at_ms: int,
) -> None:
    """Have parts of orders that the caller has locked go back (commerce/after_sales/refunds.py).

    What was handed over is given from the store's refunds, the rest from what is not earned yet.

    Raises:
        IntegrityError: More would go back than was paid, or one was requested before.
    """
    if not refunds:
        return
    accounts = {
        order.id: UNEARNED
        if order.handed_over_at_ms is None
        else account(Account.REFUNDS, order.store_id)
        for order in of_orders
    }
    insert_refunds(connection, [(refund, accounts[refund.order_id]) for refund in refunds], at_ms)
    enqueue(connection, Topic.REFUND, list(dict.fromkeys(r.order_id for r in refunds)), at_ms)


def _rest_of(
    connection: Connection,
    paid: Sequence[tuple[OrderRow, str]],
    earlier: Mapping[str, Mapping[PartKey, int]],
) -> list[PartRefund]:
    return [
        refund
        for order, reason in paid
        for refund in refund_of_rest(order, reason, "", earlier.get(order.id, {}))
    ]


def send_refund_calls(
    connection: Connection, order_ids: Sequence[str], pace: RefundPace, at_ms: int
) -> tuple[list[RefundCall], dict[str, int]]:
    """Mark as sent what these orders' refunds may send now; return it, and when others are due.

    A call is made only when it may be sent, so that it carries all that waits until then. One that
    was not answered is sent again under its own number.
    """
    turns = refund_turns(connection, order_ids)
    now, later = choose(turns, pace, at_ms)
    known = calls_of(connection, now)
    sent = [
        turns[id].call or make_call(connection, id, len(known.get(id, ())) + 1, at_ms) for id in now
    ]
    fresh = [(call, CallState.SENT) for call in sent if call.state is not CallState.SENT]
    move_calls(connection, fresh, at_ms)
    return sent, later


def retry_refund_call(connection: Connection, call: RefundCall, at_ms: int) -> bool:
    """Have a failed call sent again; False if it is not failed any more."""
    moved = move_calls(connection, [(call, CallState.QUEUED)], at_ms)
    enqueue(connection, Topic.REFUND, [call.order_id for call, _ in moved], at_ms)
    return bool(moved)


_ADD_REFUNDED = (
    update(orders)
    .where(orders.c.id == bindparam("o"))
    .values(refunded_fen=orders.c.refunded_fen + bindparam("fen"))
)


def book_refund_calls(
    connection: Connection, answered: Sequence[tuple[RefundCall, CallState]], at_ms: int
) -> None:
    """Book what the provider answered to calls that are sent, each once however often it does."""
    sent = [(replace(call, state=CallState.SENT), to) for call, to in answered]
    moved = move_calls(connection, sent, at_ms)
    done = [call for call, to in moved if to is CallState.DONE]
    for call in done:
        finished = finish_refunds(connection, [(call.order_id, call.n)], at_ms)
        _book_finished(connection, call, finished, at_ms)
    if done:
        connection.execute(
            _ADD_REFUNDED, [{"o": call.order_id, "fen": call.amount_fen} for call in done]
        )
    enqueue(connection, Topic.ORDER, [call.order_id for call, _ in moved], at_ms)


def _book_finished(
    connection: Connection,
    call: RefundCall,
    finished: Sequence[tuple[PartRefund, str]],
    at_ms: int,
) -> None:
    """One transfer per account that gave, and one of the tax in what had been handed over."""
    sums: dict[str, int] = {}
    for refund, giver in finished:
        sums[giver] = sums.get(giver, 0) + refund.amount_fen
    made = [
        refunded(call.order_id, fen, at_ms, account=giver, source=f"{call.n}:{giver}")
        for giver, fen in sorted(sums.items())
    ]
    if set(sums) - {UNEARNED}:
        [order] = orders_of(connection, select(orders).where(orders.c.id == call.order_id))
        before, after = taken_back(connection, call.order_id, call.n)
        lines = taxed_lines(connection, order)
        tax = tax_of_rest(lines, before) - tax_of_rest(lines, after)
        if tax > 0:
            source = str(call.n)
            made.append(tax_given_back(order.id, order.store_id, tax, at_ms, source))
        made += claw_back(connection, order, at_ms)
    post_transfers(connection, made)


def cancel_orders(
    connection: Connection, cancelled: Sequence[OrderRow], reason: str, moved_by: str, at_ms: int
) -> None:
    """Cancel paid orders that hold stock and that the caller has locked: units and money go back.

    Raises:
        IllegalMove: One of them is not where the caller read it.
    """
    for state in dict.fromkeys(order.state for order in cancelled):
        ids = [order.id for order in cancelled if order.state is state]
        for at in range(0, len(ids), IDS_MAX):
            part = ids[at : at + IDS_MAX]
            which = orders.c.id.in_(part)
            moved = move_orders(connection, which, state, OrderState.CANCELLED, moved_by, at_ms)
            if len(moved) != len(part):
                raise IllegalMove(state, OrderState.CANCELLED)
    move_stock(connection, _stock_moves(cancelled, StockMoveKind.RELEASE, at_ms))
    change_taken(connection, cancelled, -1)
    ids = [order.id for order in cancelled]
    enqueue(connection, Topic.RELEASE, ids, at_ms)
    rest = [(order, reason) for order in cancelled]
    refunds = _rest_of(connection, rest, refunded_parts(connection, ids))
    request_part_refunds(connection, cancelled, refunds, at_ms)
    enqueue(connection, Topic.ORDER, ids, at_ms)
    enqueue(connection, Topic.STOCK, items_of(cancelled), at_ms)


def sell(connection: Connection, sales: Sequence[OrderRow], ruled_out: Mapping[str, str]) -> None:
    """Take the units of new orders, and their slots.

    `ruled_out` are the stores that did not get them, by order (orders/promise.py).
    """
    move_stock(connection, _stock_moves(sales, StockMoveKind.SELL))
    change_taken(connection, sales, 1)
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


def hand_over(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """The goods leave the shelf; their price is earned, their tax owed, their cost spent."""
    move_stock(connection, _stock_moves([order], StockMoveKind.HAND_OVER, at_ms))
    given = refunded_parts(connection, [order.id])[order.id]
    left = order.paid_fen - sum(given.values())
    tax = tax_of_rest(taxed_lines(connection, order), refunded_by_line(given))
    cost = cost_of_order(connection, order.id)
    made = (
        earned(order.id, order.store_id, left, at_ms),
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
