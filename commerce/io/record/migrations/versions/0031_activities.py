"""What rooms do together beside buying: polls, questions, notices."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New tables only."""
    op.create_table(
        "polls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("question", sa.String(60), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closes_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("closes_at_ms >= opened_at_ms", name="ends_after_start"),
    )
    op.create_index("ix_polls_room", "polls", ["room_id", "opened_at_ms"])
    op.create_table(
        "poll_votes",
        sa.Column("poll_id", sa.String(64), sa.ForeignKey("polls.id"), primary_key=True),
        sa.Column("household_id", sa.String(64), primary_key=True),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.CheckConstraint("option >= 0", name="option_exists"),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("live_started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("guest_id", sa.String(64), sa.ForeignKey("guests.id"), nullable=False),
        sa.Column("text", sa.String(80), nullable=False),
        sa.Column("text_key", sa.String(160), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger()),
        sa.Column("hidden_at_ms", sa.BigInteger()),
        sa.UniqueConstraint("room_id", "live_started_at_ms", "text_key"),
    )
    op.create_table(
        "question_votes",
        sa.Column("question_id", sa.String(64), sa.ForeignKey("questions.id"), primary_key=True),
        sa.Column("household_id", sa.String(64), primary_key=True),
    )
    op.create_table(
        "room_notices",
        sa.Column("room_id", sa.String(64), sa.ForeignKey("rooms.id"), primary_key=True),
        sa.Column("text", sa.String(100), nullable=False),
        sa.Column("set_at_ms", sa.BigInteger(), nullable=False),
    )
