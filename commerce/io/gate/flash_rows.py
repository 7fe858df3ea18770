"""Quotas and flash sales as the gate gets them when it is filled from the record."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from commerce.io.record.schema_flash import flash_sales
from commerce.orders.flash import GateFlash
from commerce.orders.lines import read_units
from commerce.orders.quotas import counted_as

OPEN_SALES = select(flash_sales).where(flash_sales.c.closed_at_ms.is_(None))


def flash_of(row: Row[Any]) -> GateFlash:
    """A flash sale of the record as the gate knows it."""
    return GateFlash(row.id, row.starts_at_ms, row.ends_at_ms, row.price_fen, row.household_limit)


def open_sale(connection: Connection, room_id: str, product_id: str) -> GateFlash | None:
    """The flash sale of a product in a room that is not closed."""
    which = OPEN_SALES.where(
        flash_sales.c.room_id == room_id, flash_sales.c.product_id == product_id
    )
    row = connection.execute(which.order_by(flash_sales.c.starts_at_ms.desc())).first()
    return flash_of(row) if row else None


def counted_by_sale(rows: Sequence[Row[str, str, int]]) -> list[tuple[str, str, int, int]]:
    """Units that households took of flash sales, and when they did so first.

    The rows are household, quotas and time of orders.
    """
    units: dict[tuple[str, str], tuple[int, int]] = {}
    for household, text, created_at_ms in rows:
        for name, taken in counted_as(read_units(text)):
            before, since = units.get((household, name), (0, created_at_ms))
            units[household, name] = before + taken, min(since, created_at_ms)
    return [(home, name, count, since) for (home, name), (count, since) in units.items()]
