"""Notices of payments: an order that is about to expire, and what became of a late payment."""

from commerce.io.record.migrations.widen_check import widen_check

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """More kinds only."""
    widen_check("notices", "kind", "unpaid", "late_paid", "late_refund")
