"""Order in rooms' chats: settings, words, moderators, sanctions, removed and flagged lines."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New tables only."""
    op.create_table(
        "room_moderation",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slow_s", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("members_only", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "listed_words",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), primary_key=True),
        sa.Column("text", sa.String(40), primary_key=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("syllables", sa.JSON(), nullable=False),
        sa.Column("listed_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('hold', 'refuse')", name="verdict_known"),
    )
    op.create_table(
        "room_moderators",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), primary_key=True),
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("nickname", sa.String(64), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "sanctions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("nickname", sa.String(64), nullable=False),
        sa.Column("address_key", sa.String(64), nullable=False, server_default=""),
        sa.Column("device_key", sa.String(64), nullable=False, server_default=""),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger()),
        sa.Column("lifted_at_ms", sa.BigInteger()),
        sa.Column("appeal", sa.String(200)),
        sa.Column("appeal_answered_at_ms", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('ban', 'mute')", name="kind_known"),
    )
    op.create_index("ix_sanctions_room", "sanctions", ["room_id", "made_at_ms"])
    op.create_index("ix_sanctions_subject", "sanctions", ["subject"])
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "removed_lines",
        sa.Column("id", serial, primary_key=True, autoincrement=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("line_id", sa.String(64)),
        sa.Column("sender_id", sa.String(64)),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_removed_lines_room", "removed_lines", ["room_id", "id"])
    op.create_table(
        "flagged_lines",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("line_id", sa.String(64), nullable=False),
        sa.Column("sender_id", sa.String(64), nullable=False),
        sa.Column("nickname", sa.String(64), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("written_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("decided_at_ms", sa.BigInteger()),
        sa.UniqueConstraint("room_id", "line_id"),
        sa.CheckConstraint("kind IN ('held', 'reported')", name="kind_known"),
        sa.CheckConstraint("decision IN ('dismissed', 'removed', 'shown')", name="decision_known"),
    )
    op.create_index("ix_flagged_lines_room", "flagged_lines", ["room_id", "written_at_ms"])
    op.create_table(
        "line_reports",
        sa.Column("flag_id", sa.String(64), sa.ForeignKey("flagged_lines.id"), primary_key=True),
        sa.Column("household_id", sa.String(64), primary_key=True),
        sa.Column("reported_at_ms", sa.BigInteger(), nullable=False),
    )
