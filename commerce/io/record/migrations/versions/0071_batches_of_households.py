"""Leaders hand over to several households at once."""

from commerce.io.record.migrations.widen_check import widen_check

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Scans may be of a batch."""
    widen_check("scans", "how", "batch")
