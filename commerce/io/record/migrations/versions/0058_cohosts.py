"""Invitations of co-hosts, and who has accepted them."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table only."""
    op.create_table(
        "room_cohosts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("invited_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.String(64)),
        sa.Column("nickname", sa.String(64), nullable=False, server_default=""),
        sa.Column("accepted_at_ms", sa.BigInteger()),
        sa.UniqueConstraint("room_id", "staff_id"),
    )
