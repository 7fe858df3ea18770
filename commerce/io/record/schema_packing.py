"""The tables of packing: batches of moves, bags, picks; part of the record's schema."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from commerce.io.record.columns import id_column, metadata, one_of, ref, time_column
from commerce.orders.picks import PickState

# A batch is known by its store and key; `answers` is what became of each order, as JSON.
order_batches = Table(
    "order_batches",
    metadata,
    id_column(),
    ref("store_id", "stores.id"),
    Column("body_hash", String(32), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("moved_by", String(64), nullable=False),
    time_column("at_ms"),
    Column("answers", Text, nullable=False),
    time_column("undone_at_ms", nullable=True),
)
Index("ix_order_batches_store", order_batches.c.store_id, order_batches.c.at_ms)

# The place of an order in its wave, and where its bag stands ("" for nowhere yet).
bags = Table(
    "bags",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("bag", Integer, nullable=False, server_default="0"),
    Column("slot", String(8), nullable=False, server_default=""),
)

# What was found of a part; an item is its own only part (commerce/orders/picks.py).
order_picks = Table(
    "order_picks",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("missing_units", Integer, nullable=False),
    Column("substitute_id", String(64), ForeignKey("products.id")),
    time_column("answer_by_ms", nullable=True),
    Column("grams", Integer),
    Column("moved_by", String(64), nullable=False),
    time_column("at_ms"),
    one_of("state", [state.value for state in PickState]),
    CheckConstraint("missing_units >= 0", name="missing_positive"),
)
Index(
    "ix_order_picks_offered",
    order_picks.c.answer_by_ms,
    sqlite_where=text("state = 'offered'"),
    postgresql_where=text("state = 'offered'"),
)
