"""Quotas, flash sales, and who waits for a unit of one."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """Orders that are there took no quotas."""
    taken = sa.Column("quotas", sa.String(length=255), nullable=False, server_default="")
    op.add_column("orders", taken)
    op.create_table(
        "quotas",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        _fk("quotas", "brand_id", "brands.id"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_quotas")),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_quotas_taken_positive")),
        sa.CheckConstraint("taken <= capacity", name=op.f("ck_quotas_never_oversold")),
    )
    op.create_index("ix_quotas_until", "quotas", ["until_ms"])
    op.create_table(
        "flash_sales",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("before_fen", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("household_limit", sa.Integer(), nullable=False),
        sa.Column("starts_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger()),
        _fk("flash_sales", "room_id", "rooms.id"),
        _fk("flash_sales", "product_id", "products.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flash_sales")),
        sa.CheckConstraint(
            "ends_at_ms >= starts_at_ms", name=op.f("ck_flash_sales_ends_after_start")
        ),
        sa.CheckConstraint(
            "price_fen > 0 AND price_fen < before_fen", name=op.f("ck_flash_sales_is_a_discount")
        ),
    )
    op.create_index("ix_flash_sales_room", "flash_sales", ["room_id", "starts_at_ms"])
    op.create_table(
        "flash_waiting",
        sa.Column("sale_id", sa.String(length=64), nullable=False),
        sa.Column("household_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until_ms", sa.BigInteger()),
        _fk("flash_waiting", "sale_id", "flash_sales.id"),
        sa.PrimaryKeyConstraint("sale_id", "household_id", name=op.f("pk_flash_waiting")),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'taken', 'lapsed')",
            name=op.f("ck_flash_waiting_state_known"),
        ),
    )
    op.create_index("ix_flash_waiting_place", "flash_waiting", ["sale_id", "place"])
