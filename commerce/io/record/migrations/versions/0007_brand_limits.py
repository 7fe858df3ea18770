"""What a brand allows: orders without a confirmation, units per address, seats per device."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brands that are there get the values that a shop file without them has."""
    op.add_column(
        "brands",
        sa.Column("confirm_above_fen", sa.BigInteger(), nullable=False, server_default="20000"),
    )
    op.add_column(
        "brands", sa.Column("units_per_address", sa.Integer(), nullable=False, server_default="60")
    )
    op.add_column(
        "brands", sa.Column("seats_per_device", sa.Integer(), nullable=False, server_default="2")
    )
