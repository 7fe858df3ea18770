"""Notices to buyers, by person and channel."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has been given notice yet."""
    op.create_table(
        "notices",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger()),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ready', 'refund', 'reminder', 'substitution')",
            name=op.f("ck_notices_kind_known"),
        ),
        sa.CheckConstraint("channel IN ('page', 'push')", name=op.f("ck_notices_channel_known")),
        sa.CheckConstraint(
            "state IN ('failed', 'seen', 'sent', 'waiting')", name=op.f("ck_notices_state_known")
        ),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name=op.f("fk_notices_guest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "guest_id",
            "kind",
            "subject",
            "channel",
            "slot",
            name=op.f("uq_notices_guest_id_kind_subject_channel_slot"),
        ),
    )
    op.create_index("ix_notices_guest", "notices", ["guest_id", "due_at_ms"])
    op.create_index("ix_notices_subject", "notices", ["kind", "subject", "made_at_ms"])
