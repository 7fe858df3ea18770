"""Reads the audit trail of a brand, newest entries first."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from commerce.io.record.audit_trail import broken_entries
from commerce.io.record.schema_staff import audit_entries
from commerce.io.shop.context import ShopContext

PAGE_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; an empty value stands for all."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What a member of staff did: when, to what, and its values before and after."""

    n: int
    at_ms: int
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; `next` is the number below which the older ones are."""

    entries: list[AuditEntry]
    next: int | None


@dataclass(frozen=True, slots=True)
class AuditChain:
    """How many entries a trail has, the first at which its chain does not hold, and who did what.

    `broken` is 0 for a chain that is whole. `actors` and `actions` are all that occur, sorted.
    """

    entries: int
    broken: int
    actors: list[str]
    actions: list[str]


class AuditTrail:
    """The audit trails of the record."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def page(self, brand_id: str, which: AuditFilter, below: int | None = None) -> AuditPage:
        """At most `PAGE_ENTRIES` entries of a brand that are numbered below `below`."""
        columns = audit_entries.c
        query = select(audit_entries).where(columns.brand_id == brand_id)
        for column in (columns.actor, columns.action, columns.subject):
            if wanted := getattr(which, column.name):
                query = query.where(column == wanted)
        if which.from_ms is not None:
            query = query.where(columns.at_ms >= which.from_ms)
        if which.until_ms is not None:
            query = query.where(columns.at_ms < which.until_ms)
        if below is not None:
            query = query.where(columns.n < below)
        query = query.order_by(columns.n.desc()).limit(PAGE_ENTRIES + 1)
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        found = [_entry(row) for row in rows[:PAGE_ENTRIES]]
        return AuditPage(found, found[-1].n if len(rows) > PAGE_ENTRIES else None)

    async def chain(self, brand_id: str) -> AuditChain:
        """Check every entry of a brand."""

        def work(connection: Connection) -> AuditChain:
            columns = audit_entries.c
            own = columns.brand_id == brand_id
            count = connection.scalar(select(func.count()).where(own)) or 0
            broken = broken_entries(connection, brand_id)
            actors, actions = (
                sorted(connection.scalars(select(column).where(own).distinct()))
                for column in (columns.actor, columns.action)
            )
            return AuditChain(count, broken[0][1] if broken else 0, actors, actions)

        return await self._shop.record.query(work)


def _entry(row: RowMapping) -> AuditEntry:
    values = {name: row[name] and json.loads(row[name]) for name in ("before", "after")}
    plain = ("n", "at_ms", "actor", "action", "subject", "hash")
    return AuditEntry(**{name: row[name] for name in plain}, **values)
