"""Leaders: staff who are bound to estates; the time zone of an estate."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Staff that is there leads no estate; estates that are there are in China."""
    op.add_column("staff", sa.Column("estate_ids", sa.Text(), nullable=False, server_default=""))
    zone = sa.Column("time_zone", sa.String(40), nullable=False, server_default="Asia/Shanghai")
    op.add_column("estates", zone)
