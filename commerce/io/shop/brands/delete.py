"""Deletes a brand: every row of it goes, one entry of the operator's audit trail stays."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, delete, func, select

from commerce.catalogue.values import LiveState
from commerce.errors import BrandInUse, NotFound
from commerce.io.record.audit_trail import OPERATOR, record_audit
from commerce.io.record.columns import metadata
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import brands, lives, orders, products
from commerce.io.record.schema_refunds import refunds
from commerce.io.record.schema_staff import staff
from commerce.io.shop.brands.tables import brand_tables, owned_by
from commerce.orders.states import ENDED_VALUES

INSTALLATION = ""
"""The trail of what was done to whole brands."""

_ENDED = ENDED_VALUES


def require_idle(connection: Connection, brand_id: str) -> None:
    """Refuse while a brand sells.

    Raises:
        BrandInUse: A live is on air, an order is open, or a refund is not paid yet.
    """

    def count(table: Table, *which: object) -> int:
        query = select(func.count()).select_from(table).where(owned_by(table, brand_id), *which)  # type: ignore[arg-type]  # clauses
        return connection.scalar(query) or 0

    on_air = count(lives, lives.c.state.in_([LiveState.LIVE.value, LiveState.PAUSED.value]))
    open_orders = count(orders, orders.c.state.not_in(_ENDED))
    unpaid = count(refunds, refunds.c.done_at_ms.is_(None))
    if on_air or open_orders or unpaid:
        raise BrandInUse(on_air, open_orders, unpaid)


def delete_brand(connection: Connection, brand_id: str, *, force: bool, at_ms: int) -> int:
    """Delete every row of a brand; return how many there were.

    Raises:
        NotFound: There is no such brand.
        BrandInUse: It sells, and this is not forced.
    """
    found = select(brands.c.id).where(brands.c.id == brand_id).with_for_update()
    if connection.scalar(found) is None:
        raise NotFound("brand", brand_id)
    if not force:
        require_idle(connection, brand_id)
    gone = {
        table.name: list(connection.scalars(select(table.c.id).where(owned_by(table, brand_id))))
        for table in (staff, products)
    }
    counts = {}
    with _triggers_off(connection):
        for table in reversed(brand_tables()):
            deleted = connection.execute(delete(table).where(owned_by(table, brand_id)))
            if deleted.rowcount:
                counts[table.name] = deleted.rowcount
    announce_products(connection, gone["products"], at_ms)
    enqueue(connection, Topic.PLACE, [brand_id], at_ms)
    enqueue(connection, Topic.STAFF, gone["staff"], at_ms)
    entry = (OPERATOR, "brand.delete", brand_id, {"rows": counts}, None, at_ms)
    record_audit(connection, INSTALLATION, *entry)
    return sum(counts.values())


@contextmanager
def _triggers_off(connection: Connection) -> Iterator[None]:
    """Let rows go that triggers keep for ever; they are back before the transaction commits."""
    names = sorted(table.name for table in brand_tables())
    if connection.dialect.name == "postgresql":
        quote = connection.dialect.identifier_preparer.quote
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE {quote(name)} DISABLE TRIGGER USER")
        yield
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE {quote(name)} ENABLE TRIGGER USER")
        return
    rows = connection.exec_driver_sql(
        "SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    )
    triggers = [(name, sql) for name, sql, table in rows.all() if table in metadata.tables]
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)
