"""Stock of stores as a list: what is there, and a column for what was received.

A file is taken once: `on_hand` must be what it was when the file was exported.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, literal, select, tuple_

from commerce.catalogue.sheets import Column, Errors, Problem, Row, identifier, whole
from commerce.catalogue.values import Text
from commerce.io.record.postings import receive_stock
from commerce.io.record.schema import products, stock, stores
from commerce.io.shop.editing import Editor
from commerce.io.shop.lists.sheet import Plan, Written

UNITS_MAX = 1_000_000


class StockSheet:
    """Every product in every store that has ever had it."""

    columns = (
        Column("product_id", Text("商品编号", "Product id"), identifier),
        Column("store_id", Text("门店编号", "Store id"), identifier),
        Column("on_hand", Text("在店", "On hand"), whole(0, UNITS_MAX)),
        Column("held", Text("已售未取", "Sold, not fetched"), whole(0, UNITS_MAX), False),
        Column("received", Text("到货", "Received"), whole(0, UNITS_MAX), False, 0),
    )
    key = ("product_id", "store_id")

    def plan(self, connection: Connection, by: Editor, rows: Sequence[Row], errors: Errors) -> Plan:
        """Check rows against the record."""
        goods = _ids(connection, by, products)
        places = _ids(connection, by, stores)
        query = select(stock.c.product_id, stock.c.store_id, stock.c.on_hand)
        known = {(product, store): units for product, store, units in connection.execute(query)}
        arrived: list[tuple[str, str, int]] = []
        added = 0
        for row in rows:
            values: dict[str, Any] = row.values
            product_id, store_id = values["product_id"], values["store_id"]
            for name, ids in (("product_id", goods), ("store_id", places)):
                if values[name] not in ids:
                    errors.add(row.number, name, Problem.UNKNOWN, values[name])
            units = values.get("received") or 0
            if not units:
                continue
            if known.get((product_id, store_id), 0) != values["on_hand"]:
                errors.add(row.number, "on_hand", Problem.STALE, values["on_hand"])
            added += (product_id, store_id) not in known
            arrived.append((product_id, store_id, units))

        def write(connection: Connection) -> None:
            for product_id, store_id, units in sorted(arrived):
                receive_stock(
                    connection, product_id, store_id, units, by.at_ms, moved_by=by.staff_id
                )

        changed = len(arrived) - added
        return Plan(Written(added, changed, len(rows) - len(arrived)), write)

    def page(self, brand_id: str, after: object, limit: int) -> Select[tuple[object, ...]]:
        """The rows of a brand after a product in a store."""
        key = (stock.c.product_id, stock.c.store_id)
        query = (
            select(*key, stock.c.on_hand, stock.c.sold, literal("").label("received"))
            .join(products, products.c.id == stock.c.product_id)
            .where(products.c.brand_id == brand_id)
        )
        if isinstance(after, tuple):
            query = query.where(tuple_(*key) > tuple_(*after))
        return query.order_by(*key).limit(limit)

    def cursor(self, row: RowMapping) -> object:
        """Product and store."""
        return row["product_id"], row["store_id"]

    def line(self, row: RowMapping) -> Sequence[str]:
        """Its cells."""
        return [row["product_id"], row["store_id"], str(row["on_hand"]), str(row["sold"]), ""]


STOCK = StockSheet()


def _ids(connection: Connection, by: Editor, table: Any) -> set[str]:
    query = select(table.c.id).where(table.c.brand_id == by.brand_id)
    return set(connection.scalars(query))
