"""Which owner wrote the state of a live last."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the fencing token and the owner; any owner may write a live that has none."""
    op.add_column("lives", sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column(
        "lives", sa.Column("owner", sa.String(length=64), nullable=False, server_default="")
    )
