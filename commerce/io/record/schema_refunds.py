"""The tables of refunds and of the calls that carry them; part of the record's schema.

Triggers, made by the migrations, refuse a refund by which more would be requested of an order, a
line or a part than was paid for it, and a call that leaves its table of transitions.
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
    text,
)

from commerce.after_sales.refunds import WHOLE
from commerce.io.record.columns import metadata, one_of, time_column
from commerce.money.refund_calls import CALLS_MAX, CallState
from commerce.money.transfers import UNEARNED

# `line` and `part` are -1 for a refund of the order as such. `account` gives the money.
refunds = Table(
    "refunds",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False, server_default=str(WHOLE)),
    Column("part", Integer, primary_key=True, autoincrement=False, server_default=str(WHOLE)),
    Column("reason", String(32), primary_key=True),
    Column("source", String(80), primary_key=True, server_default=""),
    Column("amount_fen", BigInteger, nullable=False),
    Column("account", String(80), nullable=False, server_default=UNEARNED),
    Column("call_n", Integer),
    time_column("requested_at_ms"),
    time_column("done_at_ms", nullable=True),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
)
Index(
    "ix_refunds_waiting",
    refunds.c.order_id,
    sqlite_where=text("done_at_ms IS NULL"),
    postgresql_where=text("done_at_ms IS NULL"),
)

refund_calls = Table(
    "refund_calls",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    time_column("made_at_ms"),
    time_column("sent_at_ms", nullable=True),
    time_column("ended_at_ms", nullable=True),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    CheckConstraint(f"n >= 1 AND n <= {CALLS_MAX}", name="calls_within_limit"),
    one_of("state", [state.value for state in CallState]),
)
Index(
    "ix_refund_calls_open",
    refund_calls.c.state,
    refund_calls.c.order_id,
    sqlite_where=text("state <> 'done'"),
    postgresql_where=text("state <> 'done'"),
)

refund_call_transitions = Table(
    "refund_call_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
