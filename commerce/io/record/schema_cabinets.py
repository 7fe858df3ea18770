"""The tables of cold cabinets; part of the record's schema."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)

from commerce.io.record.columns import metadata

LOT_ID_CHARS = 140

# With the newest reading, and what commerce/supply/cabinets.py makes of all.
cabinets = Table(
    "cabinets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store_id", String(64), ForeignKey("stores.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("storage", String(16), nullable=False),
    Column("low_tenths", Integer, nullable=False),
    Column("high_tenths", Integer, nullable=False),
    Column("key_hash", String(64), unique=True),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger),
    Column("number", BigInteger, nullable=False, server_default="0"),
    Column("read_at_ms", BigInteger),
    Column("celsius_tenths", Integer),
    Column("door_open", Boolean),
    Column("powered", Boolean),
    Column("out_since_ms", BigInteger),
    Column("open_since_ms", BigInteger),
    Column("alarm", String(16)),
    Column("alarm_since_ms", BigInteger),
    CheckConstraint("low_tenths <= high_tenths", name="range_not_empty"),
    CheckConstraint("(alarm IS NULL) = (alarm_since_ms IS NULL)", name="alarm_has_begin"),
)
Index("ix_cabinets_store", cabinets.c.store_id)

# Lots that lay in a shop while a cabinet for goods such as theirs was in alarm.
lot_marks = Table(
    "lot_marks",
    metadata,
    Column("cabinet_id", String(64), ForeignKey("cabinets.id"), primary_key=True),
    Column("lot_id", String(LOT_ID_CHARS), ForeignKey("lots.id"), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("until_ms", BigInteger),
    Column("units", BigInteger, nullable=False),
)
