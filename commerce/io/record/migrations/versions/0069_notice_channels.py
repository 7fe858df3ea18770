"""Kinds of notices that a guest does not want by one channel, and messages that came in WeChat."""

import sqlalchemy as sa
from alembic import op

from commerce.io.record.migrations.widen_check import widen_check

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is muted stays so for all channels; what has come in WeChat stays a push message."""
    op.add_column(
        "notice_preferences",
        sa.Column("muted_by", sa.JSON(), nullable=False, server_default="{}"),
    )
    widen_check("notices", "channel", "wechat")
