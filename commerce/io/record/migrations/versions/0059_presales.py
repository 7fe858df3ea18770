"""Presales: goods that are ordered by a cut-off and packed in one wave overnight."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table only."""
    op.create_table(
        "presales",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("brand_id", sa.String(64), sa.ForeignKey("brands.id"), nullable=False),
        sa.Column("name_zh", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("capacities", sa.JSON(), nullable=False),
        sa.Column("cut_off_ms", sa.BigInteger(), nullable=False),
        sa.Column("ready_by_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cut_off_ms < ready_by_ms AND ready_by_ms < until_ms",
            name=op.f("ck_presales_in_order"),
        ),
    )
    op.create_index("ix_presales_until", "presales", ["until_ms"])
