"""A brand says whether an order may be split over two stores."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No brand splits orders until it says so."""
    op.add_column(
        "brands", sa.Column("split_orders", sa.Boolean(), nullable=False, server_default=sa.false())
    )
