"""Which gate has something, by what the record says now; what is gone from it has none."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, select

from commerce.io.record.schema import brands, estates, orders, rooms, stores
from commerce.io.record.schema_flash import quotas

_STORES = select(stores.c.id, brands.c.gate).join(brands, brands.c.id == stores.c.brand_id)
_ROOMS = (
    select(rooms.c.id, brands.c.gate)
    .join(stores, stores.c.id == rooms.c.store_id)
    .join(brands, brands.c.id == stores.c.brand_id)
)
_ORDERS = (
    select(orders.c.id, brands.c.gate)
    .join(stores, stores.c.id == orders.c.store_id)
    .join(brands, brands.c.id == stores.c.brand_id)
)
_ESTATES = select(estates.c.id, brands.c.gate).join(brands, brands.c.id == estates.c.brand_id)
_QUOTAS = select(quotas.c.name, brands.c.gate).join(brands, brands.c.id == quotas.c.brand_id)


def gates_of_stores(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Names of gates by store."""
    return _found(connection, _STORES.where(stores.c.id.in_(ids)))


def gates_of_rooms(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Names of gates by room."""
    return _found(connection, _ROOMS.where(rooms.c.id.in_(ids)))


def gates_of_orders(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Names of gates by order."""
    return _found(connection, _ORDERS.where(orders.c.id.in_(ids)))


def gates_of_estates(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Names of gates by estate."""
    return _found(connection, _ESTATES.where(estates.c.id.in_(ids)))


def gates_of_rows(connection: Connection, rows: Collection[str]) -> dict[str, str]:
    """Names of gates by row, as `product|store`, or `quota|` of what lies in no store."""
    parts = {row: row.rpartition("|")[::2] for row in rows}
    of_store = gates_of_stores(connection, {store for _, store in parts.values() if store})
    names = {name for name, store in parts.values() if not store}
    of_quota = _found(connection, _QUOTAS.where(quotas.c.name.in_(names))) if names else {}
    found = {
        row: of_store.get(store) if store else of_quota.get(name)
        for row, (name, store) in parts.items()
    }
    return {row: gate for row, gate in found.items() if gate is not None}


def _found(connection: Connection, query: Select[Any]) -> dict[str, str]:
    return {id: gate for id, gate in connection.execute(query)}
