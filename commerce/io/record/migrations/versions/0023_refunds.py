"""Refunds by line and part, the calls that carry them, and transfers that name a source."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_VIEW = """
CREATE VIEW money_entries AS
SELECT id AS transfer_id, order_id, kind, to_account AS account, amount_fen, at_ms, source,
       brand_id, period
FROM money_transfers
UNION ALL
SELECT id, order_id, kind, from_account, -amount_fen, at_ms, source, brand_id, period
FROM money_transfers
"""

# What is refunded with a new row, and what was paid: of the order, the line, the part.
_LIMITS = (
    (
        "the order",
        "SELECT COALESCE(SUM(amount_fen), 0) FROM refunds WHERE order_id = NEW.order_id",
        "SELECT paid_fen FROM orders WHERE id = NEW.order_id",
    ),
    (
        "the line",
        "SELECT COALESCE(SUM(amount_fen), 0) FROM refunds"
        " WHERE order_id = NEW.order_id AND line = NEW.line",
        "SELECT total_fen FROM order_lines WHERE order_id = NEW.order_id AND line = NEW.line",
    ),
    (
        "the part",
        "SELECT COALESCE(SUM(amount_fen), 0) FROM refunds"
        " WHERE order_id = NEW.order_id AND line = NEW.line AND part = NEW.part",
        "SELECT share_fen FROM order_parts"
        " WHERE order_id = NEW.order_id AND line = NEW.line AND part = NEW.part",
    ),
)

_CALL_MOVES = (
    ("queued", "sent"),
    ("sent", "done"),
    ("sent", "unknown"),
    ("sent", "failed"),
    ("unknown", "sent"),
    ("failed", "queued"),
)


def upgrade() -> None:
    """What was refunded as a whole stays a refund of the order; nothing waits for a call yet."""
    _widen_transfers()
    _widen_refunds()
    _make_calls()
    _widen_sandbox()
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    for statement in _limits_sqlite() if sqlite else _limits_postgresql():
        connection.exec_driver_sql(statement)
    for statement in _moves_sqlite() if sqlite else _moves_postgresql():
        connection.exec_driver_sql(statement)


def _serial() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _widen_transfers() -> None:
    """SQLite makes the table anew, since a constraint of it changes."""
    op.execute("DROP VIEW money_entries")
    added = (
        sa.Column("source", sa.String(130), nullable=False, server_default=""),
        sa.Column("brand_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("period", sa.String(10), nullable=False, server_default=""),
    )
    check = "order_id IS NOT NULL OR source <> ''"
    old, new = "uq_money_transfers_order_id_kind", "uq_money_transfers_order_id_kind_source"
    table = sa.Table(
        "money_transfers",
        sa.MetaData(),
        sa.Column("id", _serial(), primary_key=True, autoincrement=True),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("from_account", sa.String(80), nullable=False),
        sa.Column("to_account", sa.String(80), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("order_id", "kind", name=old),
        sa.CheckConstraint("amount_fen > 0", name="ck_money_transfers_amount_positive"),
        sa.CheckConstraint("from_account <> to_account", name="ck_money_transfers_two_accounts"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_money_transfers_order_id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("money_transfers", copy_from=table) as batch:
            for column in added:
                batch.add_column(column)
            batch.alter_column("order_id", nullable=True)
            batch.drop_constraint(old, type_="unique")
            batch.create_unique_constraint(new, ["order_id", "kind", "source"])
            batch.create_check_constraint("ck_money_transfers_of_an_order_or_a_source", check)
    else:
        for column in added:
            op.add_column("money_transfers", column)
        op.alter_column("money_transfers", "order_id", nullable=True)
        op.drop_constraint(old, "money_transfers", type_="unique")
        op.create_unique_constraint(new, "money_transfers", ["order_id", "kind", "source"])
        op.create_check_constraint(
            op.f("ck_money_transfers_of_an_order_or_a_source"), "money_transfers", check
        )
    op.create_index("ix_money_transfers_period", "money_transfers", ["brand_id", "period"])
    op.create_index(
        "uq_money_transfers_kind_source",
        "money_transfers",
        ["kind", "source"],
        unique=True,
        sqlite_where=sa.text("order_id IS NULL"),
        postgresql_where=sa.text("order_id IS NULL"),
    )
    op.execute(_VIEW)


def _widen_refunds() -> None:
    """The order alone is no longer the key, so the table is made anew and filled."""
    op.drop_index("ix_refunds_waiting", table_name="refunds")
    op.rename_table("refunds", "refunds_by_order")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE refunds_by_order RENAME CONSTRAINT pk_refunds TO pk_by_order")
        op.execute(
            "ALTER TABLE refunds_by_order RENAME CONSTRAINT fk_refunds_order_id TO fk_by_order"
        )
    op.create_table(
        "refunds",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False, server_default="-1"),
        sa.Column("part", sa.Integer(), nullable=False, server_default="-1"),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("source", sa.String(80), nullable=False, server_default=""),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(80), nullable=False, server_default="unearned"),
        sa.Column("call_n", sa.Integer()),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint(
            "order_id", "line", "part", "reason", "source", name=op.f("pk_refunds")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refunds_amount_positive")),
    )
    op.execute(
        "INSERT INTO refunds (order_id, amount_fen, reason, requested_at_ms, done_at_ms)"
        " SELECT order_id, amount_fen, reason, requested_at_ms, done_at_ms"
        " FROM refunds_by_order"
    )
    op.drop_table("refunds_by_order")
    op.create_index(
        "ix_refunds_waiting",
        "refunds",
        ["order_id"],
        sqlite_where=sa.text("done_at_ms IS NULL"),
        postgresql_where=sa.text("done_at_ms IS NULL"),
    )


def _make_calls() -> None:
    op.create_table(
        "refund_calls",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_ms", sa.BigInteger()),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_refund_calls")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refund_calls_order_id")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_calls_amount_positive")),
        sa.CheckConstraint("n >= 1 AND n <= 50", name=op.f("ck_refund_calls_calls_within_limit")),
        sa.CheckConstraint(
            "state IN ('done', 'failed', 'queued', 'sent', 'unknown')",
            name=op.f("ck_refund_calls_state_known"),
        ),
    )
    op.create_index(
        "ix_refund_calls_open",
        "refund_calls",
        ["state", "order_id"],
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    moves = op.create_table(
        "refund_call_transitions",
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_refund_call_transitions")),
    )
    op.bulk_insert(moves, [{"from_state": a, "to_state": b} for a, b in _CALL_MOVES])


def _widen_sandbox() -> None:
    """The provider knows many refunds of an order, each by its number."""
    op.rename_table("sandbox_refunds", "sandbox_refunds_by_order")
    if op.get_bind().dialect.name != "sqlite":
        for kind, name in (("pk", "pk_sandbox_refunds"), ("fk", "fk_sandbox_refunds_order_id")):
            op.execute(
                f"ALTER TABLE sandbox_refunds_by_order RENAME CONSTRAINT {name} TO {kind}_by_order"
            )
    op.create_table(
        "sandbox_refunds",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_sandbox_refunds")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sandbox_charges.order_id"], name=op.f("fk_sandbox_refunds_order_id")
        ),
    )
    op.execute(
        "INSERT INTO sandbox_refunds (order_id, amount_fen)"
        " SELECT order_id, amount_fen FROM sandbox_refunds_by_order"
    )
    op.drop_table("sandbox_refunds_by_order")


def _limits_sqlite() -> list[str]:
    checks = "".join(
        f"SELECT RAISE(ABORT, 'more than was paid for {what}')"
        f" WHERE ({given}) + NEW.amount_fen > ({paid});\n"
        for what, given, paid in _LIMITS
    )
    return [f"CREATE TRIGGER refunds_within_paid BEFORE INSERT ON refunds\nBEGIN\n{checks}END"]


def _limits_postgresql() -> list[str]:
    checks = "".join(
        f"IF ({given}) + NEW.amount_fen > ({paid}) THEN"
        f" RAISE EXCEPTION 'more than was paid for {what}' USING ERRCODE = 'check_violation';"
        " END IF;\n"
        for what, given, paid in _LIMITS
    )
    return [
        f"""
        CREATE FUNCTION refunds_within_paid() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM orders WHERE id = NEW.order_id FOR UPDATE;
            {checks}
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER refunds_within_paid BEFORE INSERT ON refunds
        FOR EACH ROW EXECUTE FUNCTION refunds_within_paid()
        """,
    ]


def _moves_sqlite() -> list[str]:
    return [
        """
        CREATE TRIGGER refund_calls_moves BEFORE UPDATE OF state ON refund_calls
        WHEN OLD.state <> NEW.state AND NOT EXISTS (
            SELECT 1 FROM refund_call_transitions
            WHERE from_state = OLD.state AND to_state = NEW.state)
        BEGIN SELECT RAISE(ABORT, 'illegal move'); END
        """
    ]


def _moves_postgresql() -> list[str]:
    return [
        """
        CREATE FUNCTION refund_calls_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM refund_call_transitions
                           WHERE from_state = OLD.state AND to_state = NEW.state) THEN
                RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER refund_calls_moves BEFORE UPDATE OF state ON refund_calls
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION refund_calls_moves()
        """,
    ]
