"""When the sandbox was paid, for its bill."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what it was paid before, the time is not known."""
    op.add_column(
        "sandbox_charges", sa.Column("at_ms", sa.BigInteger(), nullable=False, server_default="0")
    )
