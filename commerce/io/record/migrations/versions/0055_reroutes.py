"""Orders move to another store, and wait there for the consent of their buyers."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No order has moved yet."""
    op.add_column("orders", sa.Column("consent_by_ms", sa.BigInteger()))
    op.create_index(
        "ix_orders_consent",
        "orders",
        ["consent_by_ms"],
        sqlite_where=sa.text("consent_by_ms IS NOT NULL"),
        postgresql_where=sa.text("consent_by_ms IS NOT NULL"),
    )
    _add_kind("moved")


def _add_kind(kind: str) -> None:
    """Let notices be of one more kind; see 0051 for how SQLite widens a CHECK."""
    connection = op.get_bind()
    name = "ck_notices_kind_known"
    if connection.dialect.name != "sqlite":
        check = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
        text = str(connection.scalar(check, {"name": name}))
        op.drop_constraint(op.f(name), "notices", type_="check")
        op.create_check_constraint(op.f(name), "notices", _one_of(text, kind))
        return
    read = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'notices'")
    before = str(connection.scalar(read))
    after, count = re.subn(
        rf"(CONSTRAINT {name} CHECK) \(kind IN \(([^)]*)\)\)",
        lambda m: f"{m[1]} ({_one_of(m[2], kind)})",
        before,
        count=1,
    )
    assert count == 1, before
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    write = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = 'notices'")
    connection.execute(write, {"sql": after})
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _one_of(text: str, kind: str) -> str:
    listed = ", ".join([f"'{one}'" for one in sorted({*re.findall(r"'([a-z_-]+)'", text), kind})])
    return f"kind IN ({listed})"
