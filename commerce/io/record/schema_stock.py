"""The tables of lots, their locations and moves, and of tills; part of the record's schema.

A row of `lot_moves` never changes (triggers, made by the migrations).
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from commerce.io.record.columns import metadata

LOT_ID_CHARS = 140
SOURCE_CHARS = 200

locations = Table(
    "locations",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("store_id", String(64), ForeignKey("stores.id")),
    Column("warehouse_id", String(64), ForeignKey("warehouses.id")),
)

lots = Table(
    "lots",
    metadata,
    Column("id", String(LOT_ID_CHARS), primary_key=True),
    Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("best_before_ms", BigInteger),
    Column("cost_fen", BigInteger),
    Column("supplier", String(100), nullable=False, server_default=""),
    Column("received_at_ms", BigInteger, nullable=False),
)
Index("ix_lots_best_before", lots.c.best_before_ms)

balances = Table(
    "balances",
    metadata,
    Column("location_id", String(80), ForeignKey("locations.id"), primary_key=True),
    Column("lot_id", String(LOT_ID_CHARS), ForeignKey("lots.id"), primary_key=True),
    Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("units", BigInteger, nullable=False),
    CheckConstraint("units >= 0", name="units_never_negative"),
)
Index("ix_balances_product", balances.c.location_id, balances.c.product_id)

lot_moves = Table(
    "lot_moves",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("product_id", String(64), nullable=False),
    Column("lot_id", String(LOT_ID_CHARS), ForeignKey("lots.id"), nullable=False),
    Column("from_id", String(80), ForeignKey("locations.id"), nullable=False),
    Column("to_id", String(80), ForeignKey("locations.id"), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("source", String(SOURCE_CHARS), nullable=False),
    Column("line", String(80), nullable=False),
    Column("moved_by", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    UniqueConstraint("source", "line", "lot_id", "kind"),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("from_id <> to_id", name="two_locations"),
)

# Goods sent to a shop; `received_units` is empty while they are in transit.
stock_transfers = Table(
    "stock_transfers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("from_id", String(80), ForeignKey("locations.id"), nullable=False),
    Column("to_store_id", String(64), ForeignKey("stores.id"), nullable=False),
    Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("received_units", BigInteger),
    Column("sent_at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("received_units <= units", name="no_more_than_sent"),
)
Index("ix_stock_transfers_to", stock_transfers.c.to_store_id, stock_transfers.c.received_at_ms)

# A till's key is known by its hash only; a till without one is revoked.
tills = Table(
    "tills",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store_id", String(64), ForeignKey("stores.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("key_hash", String(64), unique=True),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger),
)
Index("ix_tills_store", tills.c.store_id)

pos_lines = Table(
    "pos_lines",
    metadata,
    Column("till_id", String(64), ForeignKey("tills.id"), primary_key=True),
    Column("number", String(40), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("product_id", String(64), ForeignKey("products.id")),
    Column("units", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("body_hash", String(32), nullable=False),
    Column("sold_at_ms", BigInteger, nullable=False),
    Column("booked_at_ms", BigInteger, nullable=False),
    Column("payment", String(8)),
    Column("recipe_version", Integer, nullable=False, server_default="0"),
)

pos_voids = Table(
    "pos_voids",
    metadata,
    Column("till_id", String(64), ForeignKey("tills.id"), primary_key=True),
    Column("number", String(40), primary_key=True),
    Column("voided_at_ms", BigInteger, nullable=False),
)

# `code` is an EAN-13, or the item of an in-store code without value and check digit; brands may
# sell the same goods. Whose product it is decides; `brand_id` keeps a code unique in its brand.
barcodes = Table(
    "barcodes",
    metadata,
    Column("brand_id", String(64), primary_key=True, server_default=""),
    Column("code", String(13), primary_key=True),
    Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("grams_per_unit", Integer),
    CheckConstraint("grams_per_unit > 0", name="grams_positive"),
)
