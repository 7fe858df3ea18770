"""Lets a column of a table take more values, in both kinds of record."""

import re

import sqlalchemy as sa
from alembic import op


def widen_check(table: str, column: str, *more: str) -> None:
    """Add values to the CHECK that lists those of a column (columns.py: one_of).

    Other tables may refer to the table, so SQLite cannot make it anew; it allows to edit the text
    of a CHECK (https://www.sqlite.org/lang_altertable.html, section 7), since no row changes.
    """
    connection = op.get_bind()
    name = f"ck_{table}_{column}_known"
    if connection.dialect.name != "sqlite":
        check = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
        text = str(connection.scalar(check, {"name": name}))
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, _one_of(column, text, more))
        return
    read = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
    before = str(connection.scalar(read, {"table": table}))
    pattern = rf"(CONSTRAINT {name} CHECK) \({column} IN \(([^)]*)\)\)"
    after, count = re.subn(
        pattern, lambda m: f"{m[1]} ({_one_of(column, m[2], more)})", before, count=1
    )
    assert count == 1, before
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    write = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table")
    connection.execute(write, {"sql": after, "table": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _one_of(column: str, text: str, more: tuple[str, ...]) -> str:
    values = sorted({*re.findall(r"'([a-z_-]+)'", text), *more})
    listed = ", ".join([f"'{value}'" for value in values])
    return f"{column} IN ({listed})"
