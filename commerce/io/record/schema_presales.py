"""The table of presales; the places of their waves are slots (schema_slots.py).

`capacities` is how many orders each store was to pack when it was last said; its slots may be more,
as what is taken stays. `cancelled` are the stores whose orders end with it; `cancelled_at_ms` is
when the last of them was named. `store_id` is the store that opened it for its own rooms; stores
are never deleted but with their brand.
"""

from sqlalchemy import JSON, CheckConstraint, Column, Index, String, Table

from commerce.io.record.columns import id_column, metadata, ref, time_column, words

presales = Table(
    "presales",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    Column("products", JSON, nullable=False),
    Column("capacities", JSON, nullable=False),
    time_column("cut_off_ms"),
    time_column("ready_by_ms"),
    time_column("until_ms"),
    time_column("made_at_ms"),
    Column("cancelled", JSON, nullable=False, server_default="[]"),
    time_column("cancelled_at_ms", nullable=True),
    Column("store_id", String(64)),
    CheckConstraint("cut_off_ms < ready_by_ms AND ready_by_ms < until_ms", name="in_order"),
)
Index("ix_presales_until", presales.c.until_ms)
