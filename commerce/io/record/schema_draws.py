"""The tables of lucky bags; part of the record's schema.

Triggers of the migration keep what was published: the terms, the commitment and the hash of the
closed entry list never change, and the seed comes only with the reveal. Until then it lies sealed
in a table of its own.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from commerce.activities.draws import DrawState
from commerce.io.record.columns import id_column, metadata, one_of, ref, time_column

_GOING_ON = "state IN ('open', 'closed')"

draws = Table(
    "draws",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    ref("product_id", "products.id"),
    ref("store_id", "stores.id"),
    Column("winners", Integer, nullable=False),
    Column("word", String(20), nullable=False),
    ref("estate_id", "estates.id", nullable=True),
    Column("stay", Boolean, nullable=False),
    Column("value_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("commitment", String(64), nullable=False),
    Column("entries_hash", String(64)),
    Column("seed", String(64)),
    Column("void_reason", String(16)),
    time_column("opened_at_ms"),
    time_column("closes_at_ms"),
    time_column("closed_at_ms", nullable=True),
    time_column("ended_at_ms", nullable=True),
    CheckConstraint("winners > 0", name="winners_positive"),
    CheckConstraint("value_fen > 0", name="value_positive"),
    CheckConstraint("seed IS NULL OR state = 'revealed'", name="seed_when_revealed"),
    CheckConstraint("state <> 'closed' OR entries_hash IS NOT NULL", name="closed_has_hash"),
    one_of("state", [state.value for state in DrawState]),
)
Index("ix_draws_room", draws.c.room_id, draws.c.opened_at_ms)
Index(
    "uq_draws_one_going_on",
    draws.c.room_id,
    unique=True,
    sqlite_where=text(_GOING_ON),
    postgresql_where=text(_GOING_ON),
)

draw_seeds = Table(
    "draw_seeds",
    metadata,
    ref("draw_id", "draws.id", key=True),
    Column("sealed", Text, nullable=False),
)

# No foreign key to households: a guest without a confirmed one enters under its own id.
# `counted` entries are on the closed list.
draw_entries = Table(
    "draw_entries",
    metadata,
    ref("draw_id", "draws.id", key=True),
    Column("household_id", String(64), primary_key=True),
    ref("guest_id", "guests.id"),
    Column("ticket", String(32), nullable=False),
    time_column("entered_at_ms"),
    time_column("present_at_ms", nullable=True),
    Column("counted", Boolean, nullable=False, server_default=false()),
    Column("place", Integer),
    ref("order_id", "orders.id", nullable=True),
    UniqueConstraint("draw_id", "ticket"),
    UniqueConstraint("draw_id", "place"),
    UniqueConstraint("order_id"),
    CheckConstraint("place IS NULL OR counted", name="winners_counted"),
    CheckConstraint("(place IS NULL) = (order_id IS NULL)", name="a_place_is_an_order"),
)

draw_transitions = Table(
    "draw_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
