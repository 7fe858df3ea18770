"""Writes money and units, and what the outbox has to deliver; orders and refunds build on it.

Moves are written here, in `order_postings.py` and in `refund_postings.py`, nowhere else.

Every function runs inside the caller's transaction: directly in `Record.transact`, or as
`await connection.run_sync(post_transfers, …)` in `Record.write`. A transaction locks in the order
groups, stock, slots, quotas, orders, counter, each sorted by key.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.catalogue.stock import StockMove, StockMoveKind, sum_moves
from commerce.io.record.book_rows import (
    last_closed,
    lot_costs,
    order_brands,
)
from commerce.io.record.facts import (
    groups_changed,
    lots_moved,
    money_moved,
    stock_moved,
)
from commerce.io.record.lots import add_lot, follow, swap_lots, write_lot_moves
from commerce.io.record.rows import GROUPS, group_of
from commerce.io.record.schema import (
    buying_groups,
    money_transfers,
    outbox,
    stock,
    stock_moves,
)
from commerce.money.accounts import period_of
from commerce.money.goods import goods_transfers
from commerce.money.transfers import (
    Transfer,
)
from commerce.orders.order import OrderRow
from commerce.supply.lots import (
    LocationKind,
    Lot,
    LotMove,
    LotMoveKind,
    default_lot,
    location_id,
    shop_changes,
)

IDS_MAX = 1_000  # ids per statement


PLACED = 1  # the units of a message of an order that was placed


class Topic(StrEnum):
    """What an outbox row is about. `subject` is an id, or two ids joined by `|`."""

    PLACE = "place"  # brand: one of its places or settings changed
    PRODUCT = "product"  # product: price, limit or sale state changed
    COUPON = "coupon"  # coupon|order: the order gave it back
    RESTOCK = "restock"  # product|store: units, slots or quotas came, or left without an order
    RELEASE = "release"  # order: its units go back on sale; units = 1: for the second time
    READMIT = "readmit"  # order paid late: its units are sold again (1) or not (0)
    PIN = "pin"  # room|product: pinned or unpinned
    GROUP = "group"  # group: opened, grew or ended
    STOCK = "stock"  # product: fewer or more units may be sold
    ORDER = "order"  # order: made or moved; units = PLACED: placed, and paid if it has to be
    REFUND = "refund"  # order: the payment goes back
    STAFF = "staff"  # staff: their older tokens hold no more
    STREAM_KEY = "stream_key"  # room: its older stream key holds no more
    FLASH = "flash"  # flash sale: opened or closed
    CABINET = "cabinet"  # cabinet: its alarm began, changed or is over
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


def swap_store(connection: Connection, order: OrderRow, store_id: str, n: int, at_ms: int) -> None:
    """Have an order take its units in another store, for the nth time.

    The caller has locked the stock of both. The one sale of each item is that of the new store
    from now on; lots keep what was taken and given back.
    """
    changes = [
        {"p": item_id, "s": at, "on_hand_units": 0, "sold_units": sold, "count": 1}
        for item_id, units in order.taken
        for at, sold in ((order.store_id, -units), (store_id, units))
    ]
    connection.execute(_CHANGE_STOCK, changes)
    sale = stock_moves.c.kind == StockMoveKind.SELL.value
    mine = update(stock_moves).where(stock_moves.c.order_id == order.id, sale)
    connection.execute(mine.values(store_id=store_id))
    back = [
        StockMove(item_id, order.store_id, StockMoveKind.RELEASE, units, at_ms, order.id)
        for item_id, units in order.taken
    ]
    taken = [replace(move, store_id=store_id, kind=StockMoveKind.SELL) for move in back]
    swap_lots(connection, back, taken, n)
    stock_moved(connection, [*back, *taken])


def retake_stock(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """Have an order that gave its units back take them again; the caller has locked them.

    The one release of each item is undone with its sale standing; lots keep both, and the next.
    """
    taken = [
        StockMove(item_id, order.store_id, StockMoveKind.SELL, units, at_ms, order.id)
        for item_id, units in order.taken
    ]
    changes = [
        {"p": move.product_id, "s": move.store_id, "on_hand_units": 0, "count": 1}
        | {"sold_units": move.units}
        for move in taken
    ]
    connection.execute(_CHANGE_STOCK, changes)
    release = stock_moves.c.kind == StockMoveKind.RELEASE.value
    connection.execute(delete(stock_moves).where(stock_moves.c.order_id == order.id, release))
    swap_lots(connection, (), taken, 0)
    stock_moved(connection, taken)


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
    _book_goods(connection, [move])
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


def free_units(
    connection: Connection, store_id: str, product_ids: Collection[str]
) -> dict[str, int]:
    """Return what may be sold of products in a store; the caller has locked the rows."""
    here = (stock.c.store_id == store_id, stock.c.product_id.in_(product_ids))
    rows = connection.execute(
        select(stock.c.product_id, stock.c.on_hand - stock.c.sold).where(*here)
    )
    return {product_id: int(units) for product_id, units in rows}


def _insert_for(connection: Connection) -> Any:
    return insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql


def move_lots(
    connection: Connection, moves: Sequence[LotMove], at_ms: int, *, store_id: str = ""
) -> None:
    """Move units of lots whose stock rows the caller has locked, and have the gate follow.

    What they cost is booked; `store_id` is whose till moves them.
    """
    write_lot_moves(connection, moves)
    lots_moved(connection, moves)
    _book_goods(connection, moves, store_id)
    for (product_id, store_id), units in shop_changes(moves).items():
        connection.execute(
            update(stock)
            .where(*_at(product_id, store_id))
            .values(on_hand=stock.c.on_hand + units, moves=stock.c.moves + 1)
        )
        enqueue(connection, Topic.RESTOCK, [f"{product_id}|{store_id}"], at_ms, units)


def _book_goods(connection: Connection, moves: Sequence[LotMove], store_id: str = "") -> None:
    costs = lot_costs(connection, {move.lot_id for move in moves})
    post_transfers(connection, goods_transfers(moves, costs, store_id))


def _at(product_id: str, store_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return stock.c.product_id == product_id, stock.c.store_id == store_id
