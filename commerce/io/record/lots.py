"""Lots beside the counts of `stock`; called by postings only, inside the caller's transaction.

The caller has locked the stock rows of the shops (by updating them), so lots are read and changed
by one transaction at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from commerce.catalogue.stock import StockMove, StockMoveKind
from commerce.io.record.schema_stock import balances, locations, lot_moves, lots
from commerce.supply.lots import (
    LocationKind,
    Lot,
    LotMove,
    LotMoveKind,
    LotUnits,
    balance_changes,
    default_lot,
    kind_of,
    location_id,
    store_of,
    take,
    warehouse_of,
)

IDS_MAX = 500  # ids per statement
AGAIN = "/again"  # what the line of a release ends with that is an order's second one

_CHANGE = (
    update(balances)
    .where(balances.c.location_id == bindparam("at"), balances.c.lot_id == bindparam("lot"))
    .values(units=balances.c.units + bindparam("change"))
)


def units_in(
    connection: Connection, location_ids: Iterable[str], product_ids: Iterable[str]
) -> dict[tuple[str, str], list[LotUnits]]:
    """Return the lots that lie in locations, by (location, product)."""
    rows = connection.execute(
        select(
            balances.c.location_id,
            balances.c.product_id,
            balances.c.lot_id,
            balances.c.units,
            lots.c.best_before_ms,
            lots.c.received_at_ms,
        )
        .join(lots, lots.c.id == balances.c.lot_id)
        .where(
            balances.c.location_id.in_(set(location_ids)),
            balances.c.product_id.in_(set(product_ids)),
            balances.c.units > 0,
        )
    )
    found: dict[tuple[str, str], list[LotUnits]] = {}
    for location, product, *lot in rows:
        found.setdefault((location, product), []).append(LotUnits(*lot))
    return found


def add_lot(connection: Connection, lot: Lot) -> None:
    """Write a lot unless it is known."""
    if connection.scalar(select(lots.c.id).where(lots.c.id == lot.id)) is None:
        connection.execute(
            insert(lots),
            {
                "id": lot.id,
                "product_id": lot.product_id,
                "best_before_ms": lot.best_before_ms,
                "cost_fen": lot.cost_fen,
                "supplier": lot.supplier,
                "received_at_ms": lot.received_at_ms,
            },
        )


def add_location(connection: Connection, location: str) -> None:
    """Write a location of a store or warehouse unless it is known."""
    if connection.scalar(select(locations.c.id).where(locations.c.id == location)) is None:
        connection.execute(
            insert(locations),
            {
                "id": location,
                "kind": kind_of(location).value,
                "store_id": store_of(location) or None,
                "warehouse_id": warehouse_of(location) or None,
            },
        )


def write_lot_moves(connection: Connection, moves: Sequence[LotMove]) -> None:
    """Change balances and write the moves; lots must be known, locations become so."""
    changes: list[dict[str, Any]] = [
        {"at": location, "product": product_id, "lot": lot_id, "change": units}
        for (location, product_id, lot_id), units in balance_changes(moves).items()
        if units
    ]
    less = [change for change in changes if change["change"] < 0]
    if less:
        connection.execute(_CHANGE, less)
    for change in changes:
        if change["change"] > 0 and not connection.execute(_CHANGE, change).rowcount:
            add_location(connection, change["at"])
            connection.execute(
                insert(balances),
                {
                    "location_id": change["at"],
                    "lot_id": change["lot"],
                    "product_id": change["product"],
                    "units": change["change"],
                },
            )
    if moves:
        connection.execute(insert(lot_moves), [_values(move) for move in moves])


def follow(connection: Connection, moves: Sequence[StockMove]) -> None:
    """Move lots as orders take and give back units: first expired first, and back into the same."""
    sold = [move for move in moves if move.kind is StockMoveKind.SELL]
    released = [move for move in moves if move.kind is StockMoveKind.RELEASE]
    if sold:
        write_lot_moves(connection, _sales(connection, sold))
    for at in range(0, len(released), IDS_MAX):
        write_lot_moves(connection, _releases(connection, released[at : at + IDS_MAX]))


def swap_lots(
    connection: Connection, back: Sequence[StockMove], taken: Sequence[StockMove], n: int
) -> None:
    """Move lots as orders give units back to one store and take them in another, the nth time.

    The 0th is an order that takes again what it had given back.
    """
    moves = [*_releases(connection, back), *_sales(connection, taken)]
    write_lot_moves(connection, [replace(move, line=f"{move.line}/{n}") for move in moves])


def kept_lots(
    connection: Connection, order_ids: Iterable[str]
) -> dict[tuple[str, str], list[LotUnits]]:
    """Return the lots that orders took units from and gave none back, by (order, product)."""
    back = lot_moves.c.kind == LotMoveKind.RELEASE.value
    units = func.sum(case((back, -lot_moves.c.units), else_=lot_moves.c.units))
    rows = connection.execute(
        select(lot_moves.c.source, lot_moves.c.product_id, lot_moves.c.lot_id, units)
        .where(
            lot_moves.c.source.in_(set(order_ids)),
            lot_moves.c.kind.in_([LotMoveKind.SELL.value, LotMoveKind.RELEASE.value]),
        )
        .group_by(lot_moves.c.source, lot_moves.c.product_id, lot_moves.c.lot_id)
        .having(units > 0)
        .order_by(func.min(lot_moves.c.id))
    )
    kept: dict[tuple[str, str], list[LotUnits]] = {}
    for source, product_id, lot_id, left in rows:
        kept.setdefault((source, product_id), []).append(LotUnits(lot_id, int(left)))
    return kept


def _sales(connection: Connection, sold: Sequence[StockMove]) -> list[LotMove]:
    shops = {move.store_id: location_id(LocationKind.SHOP, move.store_id) for move in sold}
    found = units_in(connection, shops.values(), {move.product_id for move in sold})
    left = {
        here: {lot.lot_id: lot for lot in sorted(there, key=lambda lot: lot.lot_id)}
        for here, there in found.items()
    }
    moves: list[LotMove] = []
    for order_id, product_id, store_id, units, at_ms in _sums(sold):
        shop = shops[store_id]
        here = left.setdefault((shop, product_id), {})
        chosen = take(list(here.values()), units)
        lacking = units - sum(part for _, part in chosen)
        if lacking:  # units that came without a lot
            lot_id = default_lot(product_id, store_id)
            add_lot(connection, Lot(lot_id, product_id))
            opening = (product_id, lot_id, LocationKind.COUNT.value, shop, lacking)
            moves.append(LotMove(*opening, LotMoveKind.OPENING, order_id, product_id, at_ms))
            chosen = _merged([*chosen, (lot_id, lacking)])
        for lot_id, part in chosen:
            goes = (product_id, lot_id, shop, LocationKind.SOLD.value, part)
            moves.append(LotMove(*goes, LotMoveKind.SELL, order_id, product_id, at_ms))
            lot = here.pop(lot_id, None)
            if lot is not None and lot.units > part:
                here[lot_id] = LotUnits(
                    lot_id, lot.units - part, lot.best_before_ms, lot.received_at_ms
                )
    return moves


def _releases(connection: Connection, released: Sequence[StockMove]) -> list[LotMove]:
    order_ids = {move.order_id or "" for move in released}
    taken = kept_lots(connection, order_ids)
    before = _released(connection, order_ids)
    moves = []
    for order_id, product_id, store_id, units, at_ms in _sums(released):
        chosen = take(taken.get((order_id, product_id), []), units)
        lacking = units - sum(part for _, part in chosen)
        if lacking:  # the order is older than lots
            lot_id = default_lot(product_id, store_id)
            add_lot(connection, Lot(lot_id, product_id))
            chosen = _merged([*chosen, (lot_id, lacking)])
        shop = location_id(LocationKind.SHOP, store_id)
        for lot_id, part in chosen:
            goes = (product_id, lot_id, LocationKind.SOLD.value, shop, part)
            again = (order_id, lot_id, product_id) in before
            line = f"{product_id}{AGAIN}" if again else product_id
            moves.append(LotMove(*goes, LotMoveKind.RELEASE, order_id, line, at_ms))
    return moves


def _released(connection: Connection, order_ids: Iterable[str]) -> set[tuple[str, str, str]]:
    """Return what orders gave back before they were paid late, as (order, lot, line)."""
    rows = connection.execute(
        select(lot_moves.c.source, lot_moves.c.lot_id, lot_moves.c.line).where(
            lot_moves.c.source.in_(order_ids), lot_moves.c.kind == LotMoveKind.RELEASE.value
        )
    )
    return {(source, lot_id, line) for source, lot_id, line in rows}


def _sums(moves: Sequence[StockMove]) -> list[tuple[str, str, str, int, int]]:
    """Units by order, product and store, since an order may name a product more than once."""
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for move in moves:
        assert move.order_id is not None
        key = (move.order_id, move.product_id, move.store_id)
        units, _ = sums.get(key, (0, 0))
        sums[key] = (units + move.units, move.at_ms)
    return [(*key, *value) for key, value in sums.items()]


def _merged(parts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    units: dict[str, int] = {}
    for lot_id, part in parts:
        units[lot_id] = units.get(lot_id, 0) + part
    return list(units.items())


def _values(move: LotMove) -> dict[str, object]:
    return {
        "product_id": move.product_id,
        "lot_id": move.lot_id,
        "from_id": move.from_id,
        "to_id": move.to_id,
        "units": move.units,
        "kind": move.kind.value,
        "source": move.source,
        "line": move.line,
        "moved_by": move.moved_by,
        "at_ms": move.at_ms,
    }
