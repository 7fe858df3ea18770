"""Orders that wait for their payment: intents, their events, and the inbox of webhooks."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_ORDER_STATES = (
    "cancelled",
    "delivered",
    "expired",
    "handed_over",
    "new",
    "out",
    "packed",
    "picking",
    "ready",
    "returned",
    "waiting_group",
    "waiting_payment",
)
_ORDER_MOVES = (
    ("waiting_payment", "waiting_group"),
    ("waiting_payment", "new"),
    ("waiting_payment", "expired"),
    ("waiting_payment", "cancelled"),
    ("expired", "waiting_group"),
    ("expired", "new"),
)
_INTENT_STATES = (
    "action",
    "created",
    "expired",
    "failed",
    "honoured",
    "paid",
    "paid_late",
    "refunding",
)
_INTENT_MOVES = (
    ("created", "action"),
    ("created", "paid"),
    ("created", "failed"),
    ("created", "expired"),
    ("action", "paid"),
    ("action", "failed"),
    ("action", "expired"),
    ("failed", "paid_late"),
    ("expired", "paid_late"),
    ("paid_late", "honoured"),
    ("paid_late", "refunding"),
)
_EVENTS = ("action", "expired", "failed", "honoured", "paid", "refunding")
_LIVE = sa.text("state IN ('created', 'action')")
_UNKNOWN = """SELECT 1 FROM intent_transitions
              WHERE from_state = OLD.state AND to_state = NEW.state"""
_SQLITE = (
    f"""
    CREATE TRIGGER intents_moves BEFORE UPDATE OF state ON intents
    WHEN OLD.state <> NEW.state AND NOT EXISTS ({_UNKNOWN})
    BEGIN SELECT RAISE(ABORT, 'illegal move'); END
    """,
    """
    CREATE TRIGGER payment_events_kept BEFORE UPDATE ON payment_events
    BEGIN SELECT RAISE(ABORT, 'an event never changes'); END
    """,
)
_POSTGRESQL = (
    f"""
    CREATE FUNCTION intents_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS ({_UNKNOWN}) THEN
            RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER intents_moves BEFORE UPDATE OF state ON intents
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION intents_moves()
    """,
    """
    CREATE FUNCTION payment_events_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an event never changes' USING ERRCODE = 'check_violation';
    END $$
    """,
    """
    CREATE TRIGGER payment_events_kept BEFORE UPDATE ON payment_events
    FOR EACH ROW EXECUTE FUNCTION payment_events_kept()
    """,
)


def upgrade() -> None:
    """No order has waited for its payment before."""
    _widen_orders()
    for state, to in _ORDER_MOVES:
        op.execute(f"INSERT INTO order_transitions VALUES ('{state}', '{to}')")
    _make_intents()
    _make_events()
    _make_inbox()
    moves = op.create_table(
        "intent_transitions",
        _text("from_state", 16),
        _text("to_state", 16),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_intent_transitions")),
    )
    op.bulk_insert(moves, [{"from_state": a, "to_state": b} for a, b in _INTENT_MOVES])
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        connection.exec_driver_sql(statement)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def _widen_orders() -> None:
    """Let orders have the new states.

    Other tables refer to `orders`, so SQLite cannot make it anew; it allows to edit the text of a
    CHECK (https://www.sqlite.org/lang_altertable.html, section 7), since no row changes.
    """
    name, allowed = "ck_orders_state_known", _one_of("state", _ORDER_STATES)
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f(name), "orders", type_="check")
        op.create_check_constraint(op.f(name), "orders", allowed)
        return
    which = "type = 'table' AND name = 'orders'"
    before = connection.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE {which}").scalar_one()
    after, count = re.subn(
        rf"(CONSTRAINT {name} CHECK) \(state IN \([^)]*\)\)", rf"\1 ({allowed})", before
    )
    assert count == 1, before
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(f"UPDATE sqlite_master SET sql = ? WHERE {which}", (after,))
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _text(name: str, length: int, **options: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, **options)  # type: ignore[arg-type]


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _make_intents() -> None:
    op.create_table(
        "intents",
        _text("id", 32),
        _text("order_id", 64),
        _text("provider", 16),
        _text("account", 64),
        _number("amount_fen"),
        _text("state", 16),
        sa.Column("action", sa.JSON()),
        _number("created_at_ms"),
        _number("expires_at_ms"),
        _number("due_at_ms", nullable=True),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("queries", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_intents_order_id")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_intents_amount_positive")),
        sa.CheckConstraint(_one_of("state", _INTENT_STATES), name=op.f("ck_intents_state_known")),
    )
    due = sa.text("due_at_ms IS NOT NULL")
    op.create_index(
        "uq_intents_one_live",
        "intents",
        ["order_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index("ix_intents_order", "intents", ["order_id"])
    op.create_index(
        "ix_intents_expires",
        "intents",
        ["expires_at_ms"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index(
        "ix_intents_due", "intents", ["due_at_ms"], sqlite_where=due, postgresql_where=due
    )


def _make_events() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "payment_events",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        _text("account", 64),
        _text("event", 128),
        _text("intent_id", 64),
        _text("kind", 16),
        _number("amount_fen"),
        _text("provider_ref", 128, server_default=""),
        _number("at_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["intents.id"], name=op.f("fk_payment_events_intent_id")
        ),
        sa.UniqueConstraint("account", "event", name=op.f("uq_payment_events_account_event")),
        sa.CheckConstraint(_one_of("kind", _EVENTS), name=op.f("ck_payment_events_kind_known")),
    )
    op.create_index("ix_payment_events_intent", "payment_events", ["intent_id", "id"])


def _make_inbox() -> None:
    unhandled = sa.text("handled_at_ms IS NULL")
    op.create_table(
        "inbox",
        _text("account", 64),
        _text("event", 128),
        _text("kind", 16),
        _text("reference", 32),
        sa.Column("refund_reference", sa.String(32)),
        _text("provider_ref", 128, server_default=""),
        _number("amount_fen"),
        _number("at_ms"),
        _number("received_at_ms"),
        _number("handled_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("account", "event", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_unhandled",
        "inbox",
        ["received_at_ms"],
        sqlite_where=unhandled,
        postgresql_where=unhandled,
    )
