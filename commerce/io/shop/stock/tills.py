"""Tills of a store, and the key of each: shown once, kept as a hash, rotated and revoked."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema import stores
from commerce.io.record.schema_stock import tills
from commerce.io.shop.context import ShopContext

KEY_BYTES = 20
KEY_PATTERN = re.compile(r"till-[0-9a-f]{40}")
ID_BYTES = 10
TILLS_MAX = 50  # per store


@dataclass(frozen=True, slots=True)
class TillView:
    """A till as the staff of its store sees it; one without a key is revoked."""

    id: str
    name: str
    made_at_ms: int
    seen_at_ms: int | None
    has_key: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A till's key, which cannot be shown a second time."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Till:
    """Who sends receipts."""

    id: str
    store_id: str
    brand_id: str


class Tills:
    """The tills of all stores."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, store_id: str) -> list[TillView]:
        """The tills of a store, newest first."""
        self._shop.catalogue.store(store_id)
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                select(tills)
                .where(tills.c.store_id == store_id)
                .order_by(tills.c.made_at_ms.desc(), tills.c.id)
            )
            return [
                TillView(row.id, row.name, row.made_at_ms, row.seen_at_ms, row.key_hash is not None)
                for row in rows
            ]

    async def add(self, store_id: str, name: str, staff_id: str) -> NewKey:
        """Register a till and give it a key.

        Raises:
            NotFound: There is no such store.
            InvalidField: The store has too many.
        """
        self._shop.catalogue.store(store_id)
        made = NewKey(secrets.token_hex(ID_BYTES), name, _new_key())
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            here = select(func.count()).select_from(tills).where(tills.c.store_id == store_id)
            if (connection.scalar(here) or 0) >= TILLS_MAX:
                raise InvalidField("name", f"A store has at most {TILLS_MAX} tills.")
            row = {"id": made.id, "store_id": store_id, "name": name, "made_at_ms": at_ms}
            connection.execute(insert(tills), {**row, "key_hash": _hash(made.key)})
            self._audit(connection, store_id, staff_id, "till.add", made.id, at_ms)

        await self._shop.record.transact(work)
        return made

    async def renew_key(self, store_id: str, till_id: str, staff_id: str) -> NewKey:
        """Give a till another key; the one before is no longer good.

        Raises:
            NotFound: The store has no such till.
        """
        key = _new_key()
        name = await self._set_key(store_id, till_id, staff_id, "till.renew-key", _hash(key))
        return NewKey(till_id, name, key)

    async def revoke_key(self, store_id: str, till_id: str, staff_id: str) -> None:
        """Leave a till without a key; idempotent.

        Raises:
            NotFound: The store has no such till.
        """
        await self._set_key(store_id, till_id, staff_id, "till.revoke-key", None)

    async def till_of(self, key: str) -> Till | None:
        """The till that a key belongs to; None: it is not known, or no longer good."""
        if not KEY_PATTERN.fullmatch(key):
            return None
        async with self._shop.record.read() as connection:
            found = await connection.execute(
                select(tills.c.id, tills.c.store_id, stores.c.brand_id)
                .join(stores, stores.c.id == tills.c.store_id)
                .where(tills.c.key_hash == _hash(key))
            )
            row = found.first()
        return Till(row.id, row.store_id, row.brand_id) if row else None

    async def _set_key(
        self, store_id: str, till_id: str, staff_id: str, action: str, key_hash: str | None
    ) -> str:
        at_ms = self._shop.clock()

        def work(connection: Connection) -> str:
            changed = connection.execute(
                update(tills)
                .where(tills.c.id == till_id, tills.c.store_id == store_id)
                .values(key_hash=key_hash)
                .returning(tills.c.name)
            ).first()
            if changed is None:
                raise NotFound("till", till_id)
            self._audit(connection, store_id, staff_id, action, till_id, at_ms)
            return str(changed.name)

        return await self._shop.record.transact(work)

    def _audit(
        self,
        connection: Connection,
        store_id: str,
        staff_id: str,
        action: str,
        till_id: str,
        at_ms: int,
    ) -> None:
        values = (staff_id, action, till_id, None, None, at_ms)
        record_audit(connection, self._shop.catalogue.brand_id("store", store_id), *values)


def _new_key() -> str:
    return f"till-{secrets.token_hex(KEY_BYTES)}"


def _hash(key: str) -> str:
    """Keys are random and long: a plain hash of them cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()
