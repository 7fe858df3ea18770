"""Which gate sells a brand's goods; those that are here go on sharing one."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column only."""
    op.add_column("brands", sa.Column("gate", sa.String(80), nullable=False, server_default="shop"))
