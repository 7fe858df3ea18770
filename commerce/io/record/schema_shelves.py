"""The tables of what a room lists and explains; part of the record's schema."""

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint, text

from commerce.io.record.columns import id_column, metadata, ref, time_column

# `place` is where the host put it, the first is 0.
room_goods = Table(
    "room_goods",
    metadata,
    ref("room_id", "rooms.id", key=True),
    ref("product_id", "products.id", key=True),
    Column("place", Integer, nullable=False),
    time_column("listed_at_ms"),
    UniqueConstraint("room_id", "place"),
)

# Of one live each; one that has not ended goes on while that live does.
explanations = Table(
    "explanations",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    ref("product_id", "products.id"),
    time_column("live_started_at_ms"),
    time_column("started_at_ms"),
    time_column("ended_at_ms", nullable=True),
)
Index(
    "uq_explanations_one_going_on",
    explanations.c.room_id,
    unique=True,
    sqlite_where=text("ended_at_ms IS NULL"),
    postgresql_where=text("ended_at_ms IS NULL"),
)
Index("ix_explanations_live", explanations.c.room_id, explanations.c.live_started_at_ms)
