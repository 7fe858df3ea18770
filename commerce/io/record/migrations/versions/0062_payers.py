"""Who pays an intent: what the provider knows the buyer by, and the address of their device."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column only."""
    op.add_column("intents", sa.Column("payer", sa.JSON()))
