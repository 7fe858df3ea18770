"""The tables of quotas and flash sales; part of the record's schema.

Bounds that no bug above can break: `0 <= taken <= capacity`. `moves` counts what changed
capacity − taken, as the gate does.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table

from commerce.io.record.columns import id_column, metadata, ref, time_column

QUOTA_CHARS = 160

# What may run out and lies in no store (orders/quotas.py). Rows are compared with the gate's until
# `until_ms`.
quotas = Table(
    "quotas",
    metadata,
    Column("name", String(QUOTA_CHARS), primary_key=True),
    ref("brand_id", "brands.id"),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("moves", BigInteger, nullable=False),
    time_column("until_ms"),
    CheckConstraint("taken >= 0", name="taken_positive"),
    CheckConstraint("taken <= capacity", name="never_oversold"),
)
Index("ix_quotas_until", quotas.c.until_ms)

# `before_fen` is the lowest price of the days before, which the sale's is below. `closed_at_ms` is
# set once nobody may buy in it any more.
flash_sales = Table(
    "flash_sales",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    ref("product_id", "products.id"),
    Column("price_fen", BigInteger, nullable=False),
    Column("before_fen", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    Column("household_limit", Integer, nullable=False),
    time_column("starts_at_ms"),
    time_column("ends_at_ms"),
    time_column("closed_at_ms", nullable=True),
    CheckConstraint("ends_at_ms >= starts_at_ms", name="ends_after_start"),
    CheckConstraint("price_fen > 0 AND price_fen < before_fen", name="is_a_discount"),
)
Index("ix_flash_sales_room", flash_sales.c.room_id, flash_sales.c.starts_at_ms)

# Who waits for a unit that comes back, in the order of `place`. No foreign key to households: a
# guest without a confirmed one waits under its own id.
flash_waiting = Table(
    "flash_waiting",
    metadata,
    ref("sale_id", "flash_sales.id", key=True),
    Column("household_id", String(64), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    time_column("until_ms", nullable=True),
    CheckConstraint("state IN ('waiting', 'offered', 'taken', 'lapsed')", name="state_known"),
)
Index("ix_flash_waiting_place", flash_waiting.c.sale_id, flash_waiting.c.place)
