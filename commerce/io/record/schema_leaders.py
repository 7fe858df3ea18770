"""The tables of leaders' handovers and commissions; part of the record's schema."""

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
    false,
)

from commerce.io.record.columns import metadata, one_of, ref, time_column
from commerce.leaders.scans import ScanHow, ScanResult

# What leaders' phones scanned, each once however often it is sent.
scans = Table(
    "scans",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    ref("estate_id", "estates.id"),
    Column("staff_id", String(64), nullable=False),
    Column("device_name", String(40), nullable=False),
    Column("how", String(8), nullable=False),
    Column("reason", String(200), nullable=False, server_default=""),
    Column("result", String(16), nullable=False),
    Column("order_ids", Text, nullable=False),
    Column("at_door", Boolean, nullable=False, server_default=false()),
    time_column("scanned_at_ms"),
    time_column("received_at_ms"),
    one_of("how", [how.value for how in ScanHow]),
    one_of("result", [result.value for result in ScanResult]),
)
Index("ix_scans_estate", scans.c.estate_id, scans.c.received_at_ms)

# Orders that leaders handed over; what a store's counter hands over is in `order_moves` alone.
handovers = Table(
    "handovers",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("device", String(64), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("device_name", String(40), nullable=False),
    Column("staff_id", String(64), nullable=False),
    time_column("scanned_at_ms"),
)


# What leaders get of what neighbours keep; an empty id stands for all of its kind.
commission_rates = Table(
    "commission_rates",
    metadata,
    ref("brand_id", "brands.id", key=True),
    Column("estate_id", String(64), primary_key=True),
    Column("leader_id", String(64), primary_key=True),
    Column("product_id", String(64), primary_key=True),
    Column("rate_bp", Integer, nullable=False),
    CheckConstraint("rate_bp BETWEEN 0 AND 10000", name="rate_is_a_share"),
)

# Accrued once per line; what goes back of it never exceeds it.
commissions = Table(
    "commissions",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("leader_id", String(64), nullable=False),
    Column("store_id", String(64), nullable=False),
    Column("estate_id", String(64), nullable=False),
    Column("product_id", String(64), nullable=False),
    Column("base_fen", BigInteger, nullable=False),
    Column("rate_bp", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("clawed_fen", BigInteger, nullable=False),
    CheckConstraint("clawed_fen BETWEEN 0 AND amount_fen", name="clawed_within_accrued"),
)

# What changed a leader's balance: above zero accrued, below zero clawed back.
commission_entries = Table(
    "commission_entries",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("leader_id", String(64), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    time_column("at_ms"),
    time_column("available_at_ms"),
)
Index("ix_commission_entries_leader", commission_entries.c.leader_id, commission_entries.c.at_ms)
