"""The audit trail: what staff did, per brand a chain of entries that nobody can change unseen.

Each entry holds the SHA-256 of the one before it and of its own content, so that a changed, missing
or inserted entry breaks the chain from there on. The database refuses to update or delete entries
while their brand exists.
"""

import hashlib
import json
from collections.abc import Mapping

from sqlalchemy import Connection, RowMapping, insert, select, text, tuple_

from commerce.io.record.schema_staff import audit_entries

VALUE_BYTES_MAX = 8_192
"""Of `before` and of `after`: a larger one is kept as its size and hash."""
FIRST_HASH = "0" * 64
ENTRIES_PER_READ = 1_000
OPERATOR = "operator"
"""The actor of what is done at the command line."""

Value = Mapping[str, object] | None


def record_audit(
    connection: Connection,
    brand: str,
    actor: str,
    action: str,
    subject: str,
    before: Value,
    after: Value,
    at: int,
) -> int:
    """Append what a member of staff did to the trail of a brand; return the entry's number.

    Call it inside the transaction of the change, as its last statement: entries of a brand are
    written one after the other, so a transaction of another one waits from here to the commit.
    Never call it for what a buyer does. `actor` is a staff id, `action` a word such as
    `order.move`, `subject` an id, `at` UTC in milliseconds. `before` and `after` are JSON objects
    of what changed, without names, phone numbers, passwords or keys: entries are never erased.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"audit:{brand}"},
        )
    last = connection.execute(
        select(audit_entries.c.n, audit_entries.c.hash)
        .where(audit_entries.c.brand_id == brand)
        .order_by(audit_entries.c.n.desc())
        .limit(1)
    ).first()
    n, previous = (last.n + 1, last.hash) if last else (1, FIRST_HASH)
    entry = {
        "brand_id": brand,
        "n": n,
        "at_ms": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "before": _text_of(before),
        "after": _text_of(after),
    }
    connection.execute(insert(audit_entries), {**entry, "hash": entry_hash(previous, entry)})
    return n


def entry_hash(previous: str, entry: Mapping[str, object] | RowMapping) -> str:
    """Return the hash of an entry that follows one with the hash `previous`."""
    content = [previous, *(entry[name] for name in _HASHED)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()


_HASHED = ("brand_id", "n", "at_ms", "actor", "action", "subject", "before", "after")


def broken_entries(connection: Connection, only: str = "") -> list[tuple[str, int]]:
    """Return the first entry of each brand, or of `only` one, at which its chain does not hold."""
    broken: dict[str, int] = {}
    brand, n, previous = "", 0, FIRST_HASH
    key = tuple_(audit_entries.c.brand_id, audit_entries.c.n)
    page = (
        select(audit_entries)
        .order_by(audit_entries.c.brand_id, audit_entries.c.n)
        .limit(ENTRIES_PER_READ)
    )
    if only:
        page = page.where(audit_entries.c.brand_id == only)
    while rows := connection.execute(page.where(key > (brand, n))).mappings().all():
        for row in rows:
            if row["brand_id"] != brand:
                n, previous = 0, FIRST_HASH
            brand, n = row["brand_id"], n + 1
            if row["n"] != n or row["hash"] != entry_hash(previous, row):
                broken.setdefault(brand, row["n"])
            n, previous = row["n"], row["hash"]
    return sorted(broken.items())


def _text_of(value: Value) -> str | None:
    if value is None:
        return None
    written = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    octets = written.encode()
    if len(octets) <= VALUE_BYTES_MAX:
        return written
    return json.dumps({"bytes": len(octets), "sha256": hashlib.sha256(octets).hexdigest()})
