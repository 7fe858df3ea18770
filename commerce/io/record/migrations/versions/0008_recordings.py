"""Recordings of lives, the clips of their products, and how long a brand keeps them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brands that are there get the values that a shop file without them has."""
    op.add_column(
        "brands", sa.Column("recording_days", sa.Integer(), nullable=False, server_default="30")
    )
    op.add_column(
        "brands", sa.Column("recording_gib", sa.Integer(), nullable=False, server_default="50")
    )
    op.create_table(
        "recordings",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("live_id", sa.String(32), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "live_id", name="pk_recordings"),
    )
    op.create_table(
        "clips",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("live_id", sa.String(32), nullable=False),
        sa.Column("product_id", sa.String(64), sa.ForeignKey("products.id"), nullable=False),
        sa.Column("title", sa.String(80)),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("start_ms >= 0 AND start_ms < end_ms", name="ck_clips_clip_has_length"),
    )
    op.create_index("ix_clips_live", "clips", ["room_id", "live_id", "start_ms"])
