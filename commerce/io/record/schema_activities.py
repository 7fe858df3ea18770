"""The tables of what rooms do together; part of the record's schema."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from commerce.io.record.columns import id_column, metadata, ref, time_column

polls = Table(
    "polls",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("question", String(60), nullable=False),
    Column("options", JSON, nullable=False),
    time_column("opened_at_ms"),
    time_column("closes_at_ms"),
    CheckConstraint("closes_at_ms >= opened_at_ms", name="ends_after_start"),
)
Index("ix_polls_room", polls.c.room_id, polls.c.opened_at_ms)

# No foreign key to households: a guest without a confirmed one votes under its own id.
poll_votes = Table(
    "poll_votes",
    metadata,
    ref("poll_id", "polls.id", key=True),
    Column("household_id", String(64), primary_key=True),
    Column("option", Integer, nullable=False),
    CheckConstraint("option >= 0", name="option_exists"),
)

# Of one live each; `text_key` is what the same question has in common (activities/texts.py).
questions = Table(
    "questions",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    time_column("live_started_at_ms"),
    ref("guest_id", "guests.id"),
    Column("text", String(80), nullable=False),
    Column("text_key", String(160), nullable=False),
    time_column("asked_at_ms"),
    time_column("answered_at_ms", nullable=True),
    time_column("hidden_at_ms", nullable=True),
    UniqueConstraint("room_id", "live_started_at_ms", "text_key"),
)

question_votes = Table(
    "question_votes",
    metadata,
    ref("question_id", "questions.id", key=True),
    Column("household_id", String(64), primary_key=True),
)

room_notices = Table(
    "room_notices",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("text", String(100), nullable=False),
    time_column("set_at_ms"),
)
