"""Orders that are split over two stores, and notices of one that could not be had whole."""

import sqlalchemy as sa
from alembic import op

from commerce.io.record.migrations.widen_check import widen_check

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Orders that were split before are two orders of their own."""
    op.create_table(
        "split_orders",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("second_id", sa.String(64), nullable=False),
        sa.Column("brand_id", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split_orders")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_split_orders_brand_id")),
        sa.UniqueConstraint("second_id", name=op.f("uq_split_orders_second_id")),
    )
    op.create_index("ix_split_orders_made", "split_orders", ["made_at_ms"])
    widen_check("notices", "kind", "split")
