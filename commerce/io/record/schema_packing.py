"""The tables of packing: moves of many orders by one key, and bags; part of the record's schema."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from commerce.io.record.columns import id_column, metadata, ref, time_column

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
