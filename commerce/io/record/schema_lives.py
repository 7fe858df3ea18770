"""The tables of lives before and after they are on air; part of the record's schema."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table

from commerce.io.record.columns import id_column, metadata, ref, time_column

# Rows of lives that have begun stay, for the summary; cancelled ones stay without being shown.
scheduled_lives = Table(
    "scheduled_lives",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("title", String(30), nullable=False),
    Column("teaser", String(100), nullable=False),
    Column("product_ids", JSON, nullable=False),
    time_column("starts_at_ms"),
    time_column("scheduled_at_ms"),
    time_column("began_at_ms", nullable=True),
    time_column("cancelled_at_ms", nullable=True),
    time_column("reminded_at_ms", nullable=True),
)
Index("ix_scheduled_lives_room", scheduled_lives.c.room_id, scheduled_lives.c.starts_at_ms)

# Who wants to be reminded of a scheduled live.
live_reminders = Table(
    "live_reminders",
    metadata,
    ref("live_id", "scheduled_lives.id", key=True),
    ref("guest_id", "guests.id", key=True),
)

# Every live from its beginning to its end, with its audience.
live_runs = Table(
    "live_runs",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("started_at_ms", BigInteger, primary_key=True),
    time_column("ended_at_ms", nullable=True),
    Column("viewers_max", Integer, nullable=False),
    Column("viewer_s", BigInteger, nullable=False),
    Column("viewers_by_minute", JSON, nullable=False),
)

# Where a host leads the audience, until a moment; one at a time.
next_rooms = Table(
    "next_rooms",
    metadata,
    ref("room_id", "rooms.id", key=True),
    ref("to_room_id", "rooms.id"),
    time_column("until_ms"),
)
