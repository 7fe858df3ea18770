"""Lives that rooms are going to have."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was scheduled before."""
    op.create_table(
        "scheduled_lives",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(30), nullable=False),
        sa.Column("teaser", sa.String(100), nullable=False),
        sa.Column("product_ids", sa.JSON(), nullable=False),
        sa.Column("starts_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("began_at_ms", sa.BigInteger()),
        sa.Column("cancelled_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_lives")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_scheduled_lives_room_id")),
    )
    op.create_index("ix_scheduled_lives_room", "scheduled_lives", ["room_id", "starts_at_ms"])
