"""Presales that a store opens for its own rooms, where its brand allows that."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No brand allows it yet, and all presales are their brands'."""
    op.add_column("presales", sa.Column("store_id", sa.String(64)))
    op.add_column(
        "brands",
        sa.Column("store_presales", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
