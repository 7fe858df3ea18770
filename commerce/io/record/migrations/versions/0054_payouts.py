"""Payouts to leaders and suppliers, and from the payment provider."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table only."""
    op.create_table(
        "payouts",
        sa.Column("brand_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("until", sa.String(10), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.String(64), nullable=False),
        sa.Column("approved_at_ms", sa.BigInteger()),
        sa.Column("approved_by", sa.String(64)),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payouts_amount_positive")),
        sa.CheckConstraint(
            "state IN ('approved', 'proposed', 'replaced')", name=op.f("ck_payouts_state_known")
        ),
        sa.PrimaryKeyConstraint("brand_id", "number", name=op.f("pk_payouts")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_payouts_brand_id")),
    )
    proposed = sa.text("state = 'proposed'")
    op.create_index(
        "uq_payouts_one_proposed",
        "payouts",
        ["brand_id", "account"],
        unique=True,
        sqlite_where=proposed,
        postgresql_where=proposed,
    )
