"""The tables of payments whose answer comes later; part of the record's schema.

Triggers, made by the migrations, refuse a move of an intent that its table of transitions does not
have, and any change of an event that is written.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from commerce.io.record.columns import SERIAL, metadata, one_of, ref, time_column
from commerce.money.intents import IntentEvent, IntentState

# `id` is our reference at the provider; `action` what the buyer's page does next, `payer` who
# pays, where the provider asks. Nobody else
# calls the provider for it before `leased_until_ms`.
intents = Table(
    "intents",
    metadata,
    Column("id", String(32), primary_key=True),
    ref("order_id", "orders.id"),
    Column("provider", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("action", JSON),
    Column("payer", JSON(none_as_null=True)),
    time_column("created_at_ms"),
    time_column("expires_at_ms"),
    time_column("due_at_ms", nullable=True),
    Column("leased_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("queries", Integer, nullable=False, server_default="0"),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    one_of("state", [state.value for state in IntentState]),
)
Index(
    "uq_intents_one_live",
    intents.c.order_id,
    unique=True,
    sqlite_where=text("state IN ('created', 'action')"),
    postgresql_where=text("state IN ('created', 'action')"),
)
Index("ix_intents_order", intents.c.order_id)
Index(
    "ix_intents_due",
    intents.c.due_at_ms,
    sqlite_where=text("due_at_ms IS NOT NULL"),
    postgresql_where=text("due_at_ms IS NOT NULL"),
)
Index(
    "ix_intents_expires",
    intents.c.expires_at_ms,
    sqlite_where=text("state IN ('created', 'action')"),
    postgresql_where=text("state IN ('created', 'action')"),
)

# Append-only. `event` is the provider's id of it, or one of ours in the account `linli`.
payment_events = Table(
    "payment_events",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False),
    Column("event", String(128), nullable=False),
    ref("intent_id", "intents.id"),
    Column("kind", String(16), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("provider_ref", String(128), nullable=False, server_default=""),
    time_column("at_ms"),
    UniqueConstraint("account", "event"),
    one_of("kind", [kind.value for kind in IntentEvent]),
)
Index("ix_payment_events_intent", payment_events.c.intent_id, payment_events.c.id)

# What providers reported, stored before it is acknowledged; an event is handled once.
inbox = Table(
    "inbox",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("event", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("reference", String(32), nullable=False),
    Column("refund_reference", String(32)),
    Column("provider_ref", String(128), nullable=False, server_default=""),
    Column("amount_fen", BigInteger, nullable=False),
    time_column("at_ms"),
    time_column("received_at_ms"),
    time_column("handled_at_ms", nullable=True),
)
Index(
    "ix_inbox_unhandled",
    inbox.c.received_at_ms,
    sqlite_where=text("handled_at_ms IS NULL"),
    postgresql_where=text("handled_at_ms IS NULL"),
)

intent_transitions = Table(
    "intent_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
