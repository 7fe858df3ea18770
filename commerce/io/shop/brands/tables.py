"""Which rows of the record belong to a brand: what an export holds and a deletion takes.

A row belongs to the brand that its `brand_id` names, or to that of the row it refers to. What the
foreign keys do not say is listed here; a test compares the list with the schema.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import lru_cache
from graphlib import TopologicalSorter
from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, Table, and_, or_, select

from commerce.io import record
from commerce.io.record.columns import metadata

SHARED = frozenset(
    {
        "claim_transitions",
        "counters",
        "coupon_transitions",
        "draw_transitions",
        "facts",
        "group_transitions",
        "inbox",
        "intent_transitions",
        "lake_erasures",
        "meta",
        "order_transitions",
        "outbox",
        "refund_call_transitions",
    }
)
"""Tables of the whole installation."""

SECRET_TABLES = frozenset(
    {
        "draw_seeds",
        "guest_devices",
        "person_keys",
        "phone_codes",
        "push_subscriptions",
        "recovery_codes",
        "restreams",
        "room_cohosts",
        "sms_numbers",
        "staff_links",
        "staff_totp",
        "stream_keys",
        "wechat_grants",
    }
)
"""Left out of an export without secrets: links, keys and devices are made again."""

SECRET_COLUMNS = {
    "cabinets": {"key_hash"},
    "invite_joins": {"address_hash", "device_hash"},
    "invites": {"device_hash"},
    "persons": {"phone_hash"},
    "staff": {"password_hash"},
    "tills": {"key_hash"},
}
"""Blanked in an export without secrets: see `blanked`."""

HARMLESS_HASHES = frozenset({"hash", "body_hash", "entries_hash"})
"""Columns with hashes of what the export holds anyway."""

# The reference that names the owner, where the first required foreign key does not.
_OWNERS = {
    "balances": ("lot_id", "lots", "id"),
    "barcodes": ("product_id", "products", "id"),
    "consents": ("guest_id", "guests", "id"),
    "sandbox_charges": ("order_id", "orders", "id"),
    "stock_transfers": ("to_store_id", "stores", "id"),
}

# Rows that a trigger compares with other rows than its parents.
_AFTER = {
    "book_closings": {"money_transfers"},
    "person_keys": {"guests", "households"},
    "refunds": {"order_lines", "order_parts"},
}


@lru_cache(1)
def brand_tables() -> tuple[Table, ...]:
    """All tables with rows of brands, each after those that it refers to."""
    for module in pkgutil.iter_modules(record.__path__):
        if module.name.startswith("schema"):
            importlib.import_module(f"{record.__name__}.{module.name}")
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, table in sorted(metadata.tables.items()):
        if name in SHARED:
            continue
        targets = {key.column.table.name for key in table.foreign_keys} - {name}
        targets |= _AFTER.get(name, set())
        owner = _owner(table)
        if isinstance(owner, tuple):
            targets.add(owner[1])
        sorter.add(name, *sorted(targets))
    return tuple(metadata.tables[name] for name in sorter.static_order())


def owned_by(table: Table, brand_id: str) -> ColumnElement[bool]:
    """Which rows of `table` belong to a brand."""
    if table.name == "brands":
        return table.c.id == brand_id
    if table.name == "person_keys":
        people = (metadata.tables[name] for name in ("guests", "households"))
        theirs = (select(each.c.id).where(owned_by(each, brand_id)) for each in people)
        return or_(*(table.c.subject_id.in_(ids) for ids in theirs))
    if table.name == "locations":
        places = ((column, key.column) for column in table.c for key in column.foreign_keys)
        return or_(
            *(column.in_(select(id).where(owned_by(id.table, brand_id))) for column, id in places)
        )
    owner = _owner(table)
    if isinstance(owner, Column):
        return owner == brand_id if owner.foreign_keys else _named_or_of(table, brand_id)
    column, parent_name, key = owner
    parent = metadata.tables[parent_name]
    return table.c[column].in_(select(parent.c[key]).where(owned_by(parent, brand_id)))


def blanked(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its secrets: nobody logs in with it, and no number is known again."""
    values = dict(row)
    for column in SECRET_COLUMNS.get(table, ()):
        match table:
            case "staff":
                values[column] = ""  # no password fits
            case "persons":
                values[column] = f"-{row['id']}"  # unique, and the hash of nothing
            case _:
                values[column] = None
    return values


def serial_key(table: Table) -> str | None:
    """The key that the database counts up itself; an import lets it count again."""
    keys = list(table.primary_key.columns)
    if len(keys) == 1 and isinstance(keys[0].type, Integer) and keys[0].autoincrement is True:
        return str(keys[0].name)
    return None


def keys_of(table: Table) -> Sequence[Column[Any]]:
    """What a row is known by."""
    return list(table.primary_key.columns)


def _owner(table: Table) -> Column[Any] | tuple[str, str, str]:
    if table.name in _OWNERS:
        return _OWNERS[table.name]
    if "brand_id" in table.c:
        return table.c.brand_id
    if table.name == "brands":
        return table.c.id
    if table.name == "person_keys":
        return table.c.subject_id
    keys = [(column, key) for column in table.c for key in column.foreign_keys]
    assert keys, f"whose are the rows of {table.name}? see {__name__}"
    column, key = min(keys, key=lambda pair: bool(pair[0].nullable))
    return column.name, key.column.table.name, key.column.name


def _named_or_of(table: Table, brand_id: str) -> ColumnElement[bool]:
    """Rows that name their brand, or else refer to a row of it."""
    parents = [
        column.in_(select(key.column).where(owned_by(key.column.table, brand_id)))
        for column in table.c
        for key in column.foreign_keys
    ]
    named = table.c.brand_id == brand_id
    return or_(named, and_(table.c.brand_id == "", or_(*parents))) if parents else named
