"""Adds and edits rows of a brand that have a version, with an entry in the audit trail for each.

An edit names the version that it began with: of two that began with the same one, the second is
refused (RFC 9110 section 13.1.1, optimistic concurrency).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, insert, select, update

from commerce.errors import InvalidField, NotFound, StaleVersion
from commerce.io.record.audit_trail import record_audit

ID_BYTES = 10
Columns = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Editor:
    """Who of which brand edits, and when (UTC in milliseconds)."""

    brand_id: str
    staff_id: str
    at_ms: int


def add_row(
    connection: Connection, by: Editor, kind: str, table: Table, id: str, values: Columns
) -> str:
    """Insert a row of the editor's brand and return its id: a new one if `id` is empty.

    The transaction's last write: see `record_audit`.

    Raises:
        InvalidField: The id is taken.
    """
    if id and connection.scalar(select(table.c.id).where(table.c.id == id)) is not None:
        raise InvalidField("id", "It is taken.")
    id = id or secrets.token_hex(ID_BYTES)
    connection.execute(insert(table), {"id": id, "brand_id": by.brand_id, **values})
    _record(connection, by, f"{kind}.add", id, None, dict(values))
    return id


def lock_row(
    connection: Connection, by: Editor, kind: str, table: Table, id: str, version: int
) -> dict[str, object]:
    """Return a row of the editor's brand as it is until the transaction ends.

    Raises:
        NotFound: The brand has no such row.
        StaleVersion: `version` is not its version.
    """
    brand_id = table.c.id if table.name == "brands" else table.c.brand_id
    found = connection.execute(
        select(table).where(table.c.id == id, brand_id == by.brand_id).with_for_update()
    )
    row = found.mappings().first()
    if row is None:
        raise NotFound(kind, id)
    if row["version"] != version:
        raise StaleVersion(row["version"])
    return dict(row)


def edit_row(
    connection: Connection,
    by: Editor,
    kind: str,
    table: Table,
    row: Columns,
    values: Columns,
    *,
    more: tuple[Columns, Columns] = ({}, {}),
) -> bool:
    """Change a row that `lock_row` returned; whether anything is different then.

    `more` is what else the edit changed, before and after, for the audit trail. The transaction's
    last write: see `record_audit`.
    """
    new = {name: value for name, value in values.items() if row[name] != value}
    before, after = more
    if not new and before == after:
        return False
    connection.execute(
        update(table).where(table.c.id == row["id"]).values(version=table.c.version + 1, **new)
    )
    before = {**{name: row[name] for name in new}, **before}
    _record(connection, by, f"{kind}.edit", str(row["id"]), before, {**new, **after})
    return True


def _record(
    connection: Connection,
    by: Editor,
    action: str,
    subject: str,
    before: Columns | None,
    after: Columns,
) -> None:
    record_audit(connection, by.brand_id, by.staff_id, action, subject, before, after, by.at_ms)
