"""How a receipt was paid, and by which recipe a set was sold at a till."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of lines that are there nothing is known: their money is not in the books."""
    op.add_column("pos_lines", sa.Column("payment", sa.String(length=8)))
    op.add_column(
        "pos_lines",
        sa.Column("recipe_version", sa.Integer(), nullable=False, server_default="0"),
    )
