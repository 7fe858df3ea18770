"""Leaders deliver: what they hand over at a door."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was scanned so far was collected."""
    at_door: sa.Column[bool] = sa.Column(
        "at_door", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("scans", at_door)
