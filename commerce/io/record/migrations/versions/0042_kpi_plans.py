"""What head offices state for their key figures."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is stated yet."""
    op.add_column("brands", sa.Column("kpi_plan", sa.JSON()))
