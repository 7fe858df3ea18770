"""Commissions of leaders: rates, what is accrued per line, and what changed a leader's balance."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def _id(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=64), nullable=False)


def _line(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Without a rate nothing is accrued."""
    op.create_table(
        "commission_rates",
        _id("brand_id"),
        _id("estate_id"),
        _id("leader_id"),
        _id("product_id"),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "rate_bp BETWEEN 0 AND 10000", name=op.f("ck_commission_rates_rate_is_a_share")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["brands.id"], name=op.f("fk_commission_rates_brand_id")
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "estate_id", "leader_id", "product_id", name=op.f("pk_commission_rates")
        ),
    )
    op.create_table(
        "commissions",
        _id("order_id"),
        _line("line"),
        _id("leader_id"),
        _id("store_id"),
        _id("estate_id"),
        _id("product_id"),
        sa.Column("base_fen", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("clawed_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "clawed_fen BETWEEN 0 AND amount_fen",
            name=op.f("ck_commissions_clawed_within_accrued"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_commissions_order_id")),
        sa.PrimaryKeyConstraint("order_id", "line", name=op.f("pk_commissions")),
    )
    op.create_table(
        "commission_entries",
        _id("order_id"),
        _line("line"),
        _line("n"),
        _id("leader_id"),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("available_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_commission_entries_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "line", "n", name=op.f("pk_commission_entries")),
    )
    op.create_index("ix_commission_entries_leader", "commission_entries", ["leader_id", "at_ms"])
