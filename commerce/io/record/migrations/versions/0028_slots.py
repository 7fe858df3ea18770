"""Packers of stores, the slots of their windows, and how orders were routed."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def _id(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=64), nullable=False)


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """Stores that are there do not count slots, and their orders have none."""
    for column in (
        sa.Column("packers", sa.Integer()),
        sa.Column("orders_per_packer_hour", sa.Integer(), nullable=False, server_default="12"),
        sa.Column("delivers", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("closed_until_ms", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("stores", column)
    for name, default in (("slot", ""), ("fulfilment", "pickup")):
        text = sa.Column(name, sa.String(length=16), nullable=False, server_default=default)
        op.add_column("orders", text)
    op.create_table(
        "slots",
        _id("store_id"),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        _fk("slots", "store_id", "stores.id"),
        sa.PrimaryKeyConstraint("store_id", "name", name=op.f("pk_slots")),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_slots_taken_positive")),
        sa.CheckConstraint("taken <= capacity", name=op.f("ck_slots_never_overbooked")),
    )
    op.create_index("ix_slots_until", "slots", ["until_ms"])
    op.create_table(
        "order_routes",
        _id("order_id"),
        sa.Column("n", sa.Integer(), nullable=False),
        _id("store_id"),
        sa.Column("slot", sa.String(length=16), nullable=False),
        sa.Column("ruled_out", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        _fk("order_routes", "order_id", "orders.id"),
        _fk("order_routes", "store_id", "stores.id"),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_order_routes")),
    )
