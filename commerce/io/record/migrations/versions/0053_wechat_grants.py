"""Messages in WeChat that buyers have granted."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has granted any yet."""
    op.create_table(
        "wechat_grants",
        sa.Column("guest_id", sa.String(64), nullable=False),
        sa.Column("scene", sa.Integer(), nullable=False),
        sa.Column("nonce_hash", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(64)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guest_id", "scene", name=op.f("pk_wechat_grants")),
        sa.ForeignKeyConstraint(
            ["guest_id"], ["guests.id"], name=op.f("fk_wechat_grants_guest_id")
        ),
        sa.UniqueConstraint("nonce_hash", name=op.f("uq_wechat_grants_nonce_hash")),
    )
