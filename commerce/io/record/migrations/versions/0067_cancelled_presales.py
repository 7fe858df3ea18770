"""Presales that stores have cancelled, and the notice that their buyers get."""

import sqlalchemy as sa
from alembic import op

from commerce.io.record.migrations.widen_check import widen_check

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is cancelled yet."""
    op.add_column(
        "presales", sa.Column("cancelled", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column("presales", sa.Column("cancelled_at_ms", sa.BigInteger()))
    widen_check("notices", "kind", "cancelled")
