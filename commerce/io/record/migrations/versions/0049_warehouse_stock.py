"""Goods lie in warehouses, too: a location per warehouse."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Locations so far are those of stores, and those that all share."""
    warehouse = sa.Column("warehouse_id", sa.String(64), sa.ForeignKey("warehouses.id"))
    op.add_column("locations", warehouse, inline_references=True)
