"""Phone numbers that are kept, sealed, for notices by SMS, and notices that came so."""

import sqlalchemy as sa
from alembic import op

from commerce.io.record.migrations.widen_check import widen_check

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has agreed yet."""
    op.add_column("phone_codes", sa.Column("sealed", sa.String(200)))
    op.create_table(
        "sms_numbers",
        sa.Column(
            "person_id",
            sa.String(64),
            sa.ForeignKey("persons.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("sealed", sa.String(200), nullable=False),
        sa.Column("kept_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("sent", sa.Integer(), nullable=False, server_default="0"),
    )
    widen_check("notices", "channel", "sms")
