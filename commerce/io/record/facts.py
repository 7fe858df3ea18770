"""Facts for the lake, written beside what they are about; called by postings only.

Every function runs inside the caller's transaction. A fact is a JSON array:

    [topic, version, at_ms, estate_id, person, trace, payload]

`person` is the household or guest whose pseudonym the lake gets, `trace` the id that joins all
facts of one order or group. The vocabulary, topic by topic, is `insight/facts.py`; a test holds the
two together.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert
from sqlalchemy import Row as SqlRow

from commerce.catalogue.stock import StockMove
from commerce.groups.group import Group
from commerce.io.record.schema_facts import facts
from commerce.money.transfers import Transfer
from commerce.orders.order import OrderRow
from commerce.supply.lots import LotMove

Payload = Mapping[str, object]
Row = tuple[str, int, int, str, str, str, Payload]

_encode = msgspec.json.Encoder().encode


def write_facts(connection: Connection, rows: Sequence[Row]) -> None:
    """Write facts as one row."""
    if rows:
        body = _encode(rows).decode()
        values: dict[str, Any] = {"facts": len(rows), "body": body, "at_ms": rows[-1][2]}
        connection.execute(insert(facts), values)


def orders_placed(connection: Connection, new: Sequence[OrderRow]) -> None:
    """Orders came into the record, those that the ledger refused, too."""
    write_facts(connection, [_order_placed(order) for order in new])


def _order_placed(order: OrderRow) -> Row:
    payload = {
        "order_id": order.id,
        "room_id": order.room_id,
        "store_id": order.store_id,
        "group_id": order.group_id,
        "state": order.state.value,
        "refused": order.refused.value if order.refused else "",
        "total_fen": order.total_fen,
        "due_at_ms": order.due_at_ms,
        "lines": [
            {
                "product_id": line.product_id,
                "units": line.units,
                "total_fen": line.total_fen,
            }
            for line in order.all_lines
        ],
    }
    at_ms = order.created_at_ms
    return ("order.placed", 1, at_ms, order.estate_id, order.household, order.id, payload)


def orders_moved(
    connection: Connection,
    moved: Sequence[tuple[str, int]],
    from_state: str,
    to_state: str,
    due_at_ms: int | None,
    at_ms: int,
) -> None:
    """Orders, each with its new version, changed their state."""
    states = {"from_state": from_state, "to_state": to_state, "due_at_ms": due_at_ms}
    write_facts(
        connection,
        [
            ("order.moved", 1, at_ms, "", "", id, {"order_id": id, "order_version": n, **states})
            for id, n in moved
        ],
    )


def money_moved(connection: Connection, transfers: Sequence[Transfer]) -> None:
    """Money went from one account to another."""
    write_facts(
        connection,
        [
            (
                "money.moved",
                1,
                transfer.at_ms,
                "",
                "",
                transfer.order_id,
                {
                    "order_id": transfer.order_id,
                    "kind": transfer.kind.value,
                    "amount_fen": transfer.amount_fen,
                },
            )
            for transfer in transfers
        ],
    )


def stock_moved(connection: Connection, moves: Sequence[StockMove]) -> None:
    """Units of products in stores were received, sold, released or handed over."""
    write_facts(
        connection,
        [
            (
                "stock.moved",
                1,
                move.at_ms,
                "",
                "",
                move.order_id or "",
                {
                    "product_id": move.product_id,
                    "store_id": move.store_id,
                    "kind": move.kind.value,
                    "units": move.units,
                },
            )
            for move in moves
        ],
    )


def lots_moved(connection: Connection, moves: Sequence[LotMove]) -> None:
    """Units of lots went from one location to another, otherwise than by an order."""
    write_facts(
        connection,
        [
            (
                "lot.moved",
                1,
                move.at_ms,
                "",
                "",
                move.source,
                {
                    "product_id": move.product_id,
                    "lot_id": move.lot_id,
                    "from_id": move.from_id,
                    "to_id": move.to_id,
                    "kind": move.kind.value,
                    "units": move.units,
                },
            )
            for move in moves
        ],
    )


def groups_changed(connection: Connection, changed: Sequence[Group], at_ms: int) -> None:
    """Groups opened, grew or ended; each as it is now."""
    write_facts(
        connection,
        [
            (
                "group.changed",
                1,
                at_ms,
                group.estate_id,
                "",
                group.id,
                {
                    "group_id": group.id,
                    "product_id": group.product_id,
                    "state": group.state.value,
                    "joined": group.joined,
                    "target": group.target,
                    "price_fen": group.price_fen,
                    "ends_at_ms": group.ends_at_ms,
                },
            )
            for group in changed
        ],
    )


def rating_changed(connection: Connection, row: SqlRow[Any], at_ms: int) -> None:
    """A part of an order was rated, rated anew, hidden or shown; `row` is the rating since."""
    names = ("order_id", "line", "part", "product_id", "stars", "tags", "hidden")
    payload = {name: getattr(row, name) for name in names}
    write_facts(connection, [("rating.changed", 1, at_ms, "", "", row.order_id, payload)])
