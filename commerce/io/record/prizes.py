"""Units of prizes: set aside when a draw opens, given to its winners or back on sale.

Every function runs inside the caller's transaction, with the draw's row locked first.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from commerce.errors import NotEnoughUnits
from commerce.io.record.lots import units_in
from commerce.io.record.order_postings import insert_orders, place_groups, sell
from commerce.io.record.postings import Topic, enqueue, lock_stock, move_lots
from commerce.io.record.schema_stock import lot_moves
from commerce.orders.order import OrderRow
from commerce.supply.lots import LocationKind, LotMove, LotMoveKind, location_id, take


def hold_prizes(
    connection: Connection,
    draw_id: str,
    product_id: str,
    store_id: str,
    units: int,
    moved_by: str,
    at_ms: int,
) -> None:
    """Set units aside, first expired first.

    Raises:
        NotEnoughUnits: Fewer are free.
    """
    shop, prizes = _places(store_id)
    lock_stock(connection, [(product_id, store_id)])
    there = units_in(connection, [shop], [product_id]).get((shop, product_id), [])
    chosen = take(there, units)
    left = sum(part for _, part in chosen)
    if left < units:
        raise NotEnoughUnits(left)
    cause = (LotMoveKind.PRIZE_HOLD, _source(draw_id), product_id, at_ms, moved_by)
    held = [LotMove(product_id, lot, shop, prizes, part, *cause) for lot, part in chosen]
    move_lots(connection, held, at_ms)
    enqueue(connection, Topic.STOCK, [product_id], at_ms)


def release_prizes(
    connection: Connection, draw_id: str, product_id: str, store_id: str, at_ms: int
) -> None:
    """Put all units of a draw back on sale."""
    lock_stock(connection, [(product_id, store_id)])
    shop, prizes = _places(store_id)
    held = connection.execute(
        select(lot_moves.c.lot_id, lot_moves.c.units)
        .where(
            lot_moves.c.source == _source(draw_id),
            lot_moves.c.kind == LotMoveKind.PRIZE_HOLD.value,
        )
        .order_by(lot_moves.c.id)
    ).all()
    cause = (LotMoveKind.PRIZE_BACK, _source(draw_id), product_id, at_ms)
    back = [LotMove(product_id, lot, prizes, shop, units, *cause) for lot, units in held]
    move_lots(connection, back, at_ms)
    enqueue(connection, Topic.STOCK, [product_id], at_ms)


def give_prizes(
    connection: Connection,
    draw_id: str,
    product_id: str,
    store_id: str,
    won: Sequence[OrderRow],
    at_ms: int,
) -> None:
    """Turn the units of a draw into its winners' orders; what is left goes back on sale.

    The caller has locked stock and slots of the store. The gate gets the orders before the
    units, so that nobody buys one in between.
    """
    for _ in won:  # each of them is a move, and the gate counts moves
        enqueue(connection, Topic.RESTOCK, [f"{product_id}|{store_id}"], at_ms, -1)
    release_prizes(connection, draw_id, product_id, store_id, at_ms)
    insert_orders(connection, won)
    sell(connection, won, {})
    ids = [order.id for order in won]
    place_groups(connection, ids, at_ms)
    enqueue(connection, Topic.ORDER, ids, at_ms)


def _places(store_id: str) -> tuple[str, str]:
    return location_id(LocationKind.SHOP, store_id), location_id(LocationKind.PRIZE, store_id)


def _source(draw_id: str) -> str:
    return f"draw:{draw_id}"
