"""Orders of the record with their lines, which orders of one item do not have."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, or_, select

from commerce.io.record.rows import order_of
from commerce.io.record.schema import orders
from commerce.io.record.schema_sets import order_lines, order_parts
from commerce.orders.lines import OrderLine, OrderPart
from commerce.orders.order import OrderRow

IDS_MAX = 500  # orders per statement


def orders_of(connection: Connection, query: Select[Any]) -> list[OrderRow]:
    """Return the orders of a query (`ORDERS` with conditions), in its order."""
    rows = connection.execute(query).mappings().all()
    several = [row["id"] for row in rows if row["line_count"]]
    lines = _lines(connection, several) if several else {}
    return [order_of(row, tuple(lines.get(row["id"], ()))) for row in rows]


def takes_any(item_ids: Collection[str]) -> ColumnElement[bool]:
    """Whether an order takes one of these items: by itself, in a line, or as part of a set."""
    of_lines = select(order_lines.c.order_id).where(
        order_lines.c.product_id.in_(item_ids), order_lines.c.recipe_version == 0
    )
    of_parts = select(order_parts.c.order_id).where(order_parts.c.item_id.in_(item_ids))
    return or_(
        and_(orders.c.line_count == 0, orders.c.product_id.in_(item_ids)),
        and_(orders.c.line_count > 0, orders.c.id.in_(of_lines) | orders.c.id.in_(of_parts)),
    )


def insert_lines(connection: Connection, new: Sequence[OrderRow], rates: Mapping[str, int]) -> None:
    """Write the lines of new orders, whose own rows are written, with their products' tax rates."""
    lines, parts = [], []
    for order in new:
        for number, line in enumerate(order.lines):
            key = {"order_id": order.id, "line": number}
            lines.append(
                {
                    **key,
                    "product_id": line.product_id,
                    "recipe_version": line.recipe_version,
                    "units": line.units,
                    "price_fen": line.price_fen,
                    "total_fen": line.goods_fen,
                    "discount_fen": line.discount_fen,
                    "tax_bp": rates.get(line.product_id),
                }
            )
            parts += [
                {
                    **key,
                    "part": place,
                    "item_id": part.item_id,
                    "units": part.units,
                    "share_fen": part.share_fen,
                }
                for place, part in enumerate(line.parts)
            ]
    if lines:
        connection.execute(insert(order_lines), lines)
    if parts:
        connection.execute(insert(order_parts), parts)


def _lines(connection: Connection, order_ids: Sequence[str]) -> dict[str, list[OrderLine]]:
    found: dict[str, list[OrderLine]] = {}
    for at in range(0, len(order_ids), IDS_MAX):
        ids = order_ids[at : at + IDS_MAX]
        parts: dict[tuple[str, int], list[OrderPart]] = {}
        for row in connection.execute(
            select(order_parts)
            .where(order_parts.c.order_id.in_(ids))
            .order_by(order_parts.c.order_id, order_parts.c.line, order_parts.c.part)
        ):
            part = OrderPart(row.item_id, row.units, row.share_fen)
            parts.setdefault((row.order_id, row.line), []).append(part)
        for row in connection.execute(
            select(order_lines)
            .where(order_lines.c.order_id.in_(ids))
            .order_by(order_lines.c.order_id, order_lines.c.line)
        ):
            line = OrderLine(
                row.product_id,
                row.units,
                row.price_fen,
                row.recipe_version,
                tuple(parts.get((row.order_id, row.line), ())),
                row.discount_fen,
            )
            found.setdefault(row.order_id, []).append(line)
    return found
