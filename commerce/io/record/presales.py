"""Presales in the record, as rules know them."""

from collections.abc import Collection

from sqlalchemy import Connection, RowMapping, select

from commerce.catalogue.values import Text
from commerce.io.record.schema import stores
from commerce.io.record.schema_presales import presales
from commerce.orders.presales import Presale

KNOWN_MAX = 1_000  # presales of all brands, those that are handed over last


def presale_of_row(row: RowMapping) -> Presale:
    """A row as the presale that it is."""
    return Presale(
        row["id"],
        row["brand_id"],
        Text(row["name_zh"], row["name_en"]),
        tuple(row["products"]),
        row["cut_off_ms"],
        row["ready_by_ms"],
        row["until_ms"],
        dict(row["capacities"]),
        frozenset(row["cancelled"]),
        row["store_id"] or "",
    )


def read_presales(connection: Connection) -> tuple[Presale, ...]:
    """The presales of all brands, those that are handed over last first."""
    rows = connection.execute(
        select(presales).order_by(presales.c.until_ms.desc(), presales.c.id).limit(KNOWN_MAX)
    )
    return tuple(presale_of_row(row) for row in rows.mappings())


def presales_of_stores(
    connection: Connection, store_ids: Collection[str], at_ms: int
) -> dict[str, list[Presale]]:
    """The presales that stores still pack, by store."""
    known = [one for one in read_presales(connection) if at_ms < one.ready_by_ms]
    if not known:
        return {}
    owners = connection.execute(
        select(stores.c.id, stores.c.brand_id).where(stores.c.id.in_(store_ids))
    )
    return {
        id: [one for one in known if one.brand_id == brand_id and id not in one.cancelled]
        for id, brand_id in owners
    }
