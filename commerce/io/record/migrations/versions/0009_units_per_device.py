"""What a brand allows one browser: units of a product in a live."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brands that are there get the value that a shop file without it has."""
    op.add_column(
        "brands", sa.Column("units_per_device", sa.Integer(), nullable=False, server_default="40")
    )
