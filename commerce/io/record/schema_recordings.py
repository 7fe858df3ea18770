"""The tables of a live's other ways in and out; part of the record's schema."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, String, Table

from commerce.io.record.columns import id_column, metadata, ref, time_column

stream_keys = Table(
    "stream_keys",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    time_column("made_at_ms"),
)

restreams = Table(
    "restreams",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("address", String(500), nullable=False),
    Column("sealed_key", String(1_000), nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("live_id", String(32), primary_key=True),
    time_column("started_at_ms"),
    time_column("ended_at_ms", nullable=True),
    Column("duration_ms", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
)

clips = Table(
    "clips",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    Column("live_id", String(32), nullable=False),
    ref("product_id", "products.id"),
    Column("title", String(80)),
    Column("hidden", Boolean, nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    CheckConstraint("start_ms >= 0 AND start_ms < end_ms", name="clip_has_length"),
)
Index("ix_clips_live", clips.c.room_id, clips.c.live_id, clips.c.start_ms)
