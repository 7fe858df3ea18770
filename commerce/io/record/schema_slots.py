"""The tables of packing: slots of windows and waves, and how orders were routed.

Bounds that no bug above can break: `0 <= taken <= capacity`. `moves` counts what changed
capacity − taken, as the gate does.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from commerce.io.record.columns import metadata, ref, time_column

SLOT_CHARS = 16

slots = Table(
    "slots",
    metadata,
    ref("store_id", "stores.id", key=True),
    Column("name", String(SLOT_CHARS), primary_key=True),
    time_column("from_ms"),
    time_column("until_ms"),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("moves", BigInteger, nullable=False),
    CheckConstraint("taken >= 0", name="taken_positive"),
    CheckConstraint("taken <= capacity", name="never_overbooked"),
)
Index("ix_slots_until", slots.c.until_ms)

# The first row of an order says which stores did not get it and why; each further one that it was
# given to another store. An order that went to its first candidate has none.
order_routes = Table(
    "order_routes",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("n", Integer, primary_key=True),
    ref("store_id", "stores.id"),
    Column("slot", String(SLOT_CHARS), nullable=False),
    Column("ruled_out", Text, nullable=False),
    Column("reason", String(32), nullable=False),
    time_column("at_ms"),
)
