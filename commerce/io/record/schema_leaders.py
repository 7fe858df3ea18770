"""The tables of leaders' handovers; part of the record's schema."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

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
