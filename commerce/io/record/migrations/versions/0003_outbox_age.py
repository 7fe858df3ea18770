"""When an outbox row was enqueued, and an index of the refunds that wait: for metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows that are there count from when they are due."""
    op.add_column(
        "outbox",
        sa.Column("enqueued_at_ms", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.execute("UPDATE outbox SET enqueued_at_ms = due_at_ms")
    op.create_index(
        "ix_refunds_waiting",
        "refunds",
        ["order_id"],
        unique=False,
        sqlite_where=sa.text("done_at_ms IS NULL"),
        postgresql_where=sa.text("done_at_ms IS NULL"),
    )
