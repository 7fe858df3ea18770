"""Every live from its beginning to its end, with its audience."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lives that were before are not known."""
    op.create_table(
        "live_runs",
        sa.Column("room_id", sa.String(64), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.Column("viewers_max", sa.Integer(), nullable=False),
        sa.Column("viewer_s", sa.BigInteger(), nullable=False),
        sa.Column("viewers_by_minute", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "started_at_ms", name=op.f("pk_live_runs")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_live_runs_room_id")),
    )
