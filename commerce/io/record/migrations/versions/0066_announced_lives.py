"""Lives that are over, and whose rooms may not know it yet."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column only; a worker of an older version leaves it true."""
    op.add_column(
        "lives", sa.Column("announced", sa.Boolean(), nullable=False, server_default=sa.true())
    )
