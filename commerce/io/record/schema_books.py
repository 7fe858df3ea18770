"""The tables of the books beside transfers; part of the record's schema.

A trigger, made by the migrations, refuses transfers of a closed day.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from commerce.io.record.columns import metadata, one_of, ref, time_column
from commerce.money.payouts import PayoutState

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

# What was proposed to be paid from an account's balance of closed days, and what was approved.
payouts = Table(
    "payouts",
    metadata,
    ref("brand_id", "brands.id", key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", String(80), nullable=False),
    Column("until", String(10), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    time_column("proposed_at_ms"),
    Column("proposed_by", String(64), nullable=False),
    time_column("approved_at_ms", nullable=True),
    Column("approved_by", String(64)),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    one_of("state", [state.value for state in PayoutState]),
)
Index(
    "uq_payouts_one_proposed",
    payouts.c.brand_id,
    payouts.c.account,
    unique=True,
    sqlite_where=text("state = 'proposed'"),
    postgresql_where=text("state = 'proposed'"),
)
