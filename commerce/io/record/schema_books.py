"""The tables of the books beside transfers; part of the record's schema.

A trigger, made by the migrations, refuses transfers of a closed day.
"""

from sqlalchemy import BigInteger, Column, String, Table, Text

from commerce.io.record.columns import metadata, ref, time_column

# Days whose books are closed, each with all days before it.
book_closings = Table(
    "book_closings",
    metadata,
    ref("brand_id", "brands.id", key=True),
    Column("period", String(10), primary_key=True),
    time_column("closed_at_ms"),
    Column("closed_by", String(64), nullable=False),
)

# What a party was settled for a day; the file can be made again and has this hash.
settlements = Table(
    "settlements",
    metadata,
    ref("brand_id", "brands.id", key=True),
    Column("period", String(10), primary_key=True),
    Column("party", String(80), primary_key=True),
    Column("payable_fen", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    time_column("made_at_ms"),
)

# What the provider's bill of a day says, and what differs from our books.
provider_bills = Table(
    "provider_bills",
    metadata,
    ref("brand_id", "brands.id", key=True),
    Column("period", String(10), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("charges_fen", BigInteger, nullable=False),
    Column("refunds_fen", BigInteger, nullable=False),
    Column("fee_fen", BigInteger, nullable=False),
    Column("differences", Text, nullable=False),
    time_column("read_at_ms"),
)
