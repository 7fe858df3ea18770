"""Lucky bags: draws, their sealed seeds and their entries."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_MOVES = (("open", "closed"), ("open", "void"), ("closed", "revealed"), ("closed", "void"))
_UNKNOWN = """SELECT 1 FROM draw_transitions
              WHERE from_state = OLD.state AND to_state = NEW.state"""
_KEPT = (
    "room_id",
    "product_id",
    "store_id",
    "winners",
    "word",
    "estate_id",
    "stay",
    "value_fen",
    "commitment",
    "opened_at_ms",
    "closes_at_ms",
)
_SQLITE = (
    f"""
    CREATE TRIGGER draws_moves BEFORE UPDATE OF state ON draws
    WHEN OLD.state <> NEW.state AND NOT EXISTS ({_UNKNOWN})
    BEGIN SELECT RAISE(ABORT, 'illegal move'); END
    """,
    f"""
    CREATE TRIGGER draws_kept BEFORE UPDATE ON draws
    WHEN {" OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _KEPT)}
        OR (OLD.entries_hash IS NOT NULL AND OLD.entries_hash IS NOT NEW.entries_hash)
        OR (OLD.seed IS NOT NULL AND OLD.seed IS NOT NEW.seed)
    BEGIN SELECT RAISE(ABORT, 'it was published'); END
    """,
    """
    CREATE TRIGGER draw_entries_kept BEFORE UPDATE OF ticket, draw_id ON draw_entries
    BEGIN SELECT RAISE(ABORT, 'a ticket never changes'); END
    """,
)
_POSTGRESQL = (
    f"""
    CREATE FUNCTION draws_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> NEW.state AND NOT EXISTS ({_UNKNOWN}) THEN
            RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
        END IF;
        IF {" OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _KEPT)}
            OR (OLD.entries_hash IS NOT NULL AND OLD.entries_hash IS DISTINCT FROM NEW.entries_hash)
            OR (OLD.seed IS NOT NULL AND OLD.seed IS DISTINCT FROM NEW.seed) THEN
            RAISE EXCEPTION 'it was published' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER draws_kept BEFORE UPDATE ON draws FOR EACH ROW EXECUTE FUNCTION draws_kept()
    """,
    """
    CREATE FUNCTION draw_entries_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a ticket never changes' USING ERRCODE = 'check_violation';
    END $$
    """,
    """
    CREATE TRIGGER draw_entries_kept BEFORE UPDATE ON draw_entries FOR EACH ROW
    WHEN (OLD.ticket IS DISTINCT FROM NEW.ticket OR OLD.draw_id IS DISTINCT FROM NEW.draw_id)
    EXECUTE FUNCTION draw_entries_kept()
    """,
)


def upgrade() -> None:
    """New tables only."""
    _make_draws()
    _make_entries()
    moves = op.create_table(
        "draw_transitions",
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_draw_transitions")),
    )
    op.bulk_insert(moves, [{"from_state": a, "to_state": b} for a, b in _MOVES])
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        connection.exec_driver_sql(statement)


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _make_draws() -> None:
    op.create_table(
        "draws",
        _id("id"),
        _id("room_id"),
        _id("product_id"),
        _id("store_id"),
        sa.Column("winners", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(20), nullable=False),
        _id("estate_id", nullable=True),
        sa.Column("stay", sa.Boolean(), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("entries_hash", sa.String(64)),
        sa.Column("seed", sa.String(64)),
        sa.Column("void_reason", sa.String(16)),
        _time("opened_at_ms"),
        _time("closes_at_ms"),
        _time("closed_at_ms", nullable=True),
        _time("ended_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draws")),
        _of("draws", "room_id", "rooms.id"),
        _of("draws", "product_id", "products.id"),
        _of("draws", "store_id", "stores.id"),
        _of("draws", "estate_id", "estates.id"),
        _check("draws", "winners_positive", "winners > 0"),
        _check("draws", "value_positive", "value_fen > 0"),
        _check("draws", "seed_when_revealed", "seed IS NULL OR state = 'revealed'"),
        _check("draws", "closed_has_hash", "state <> 'closed' OR entries_hash IS NOT NULL"),
        _check("draws", "state_known", "state IN ('closed', 'open', 'revealed', 'void')"),
    )
    op.create_index("ix_draws_room", "draws", ["room_id", "opened_at_ms"])
    going_on = sa.text("state IN ('open', 'closed')")
    op.create_index(
        "uq_draws_one_going_on",
        "draws",
        ["room_id"],
        unique=True,
        sqlite_where=going_on,
        postgresql_where=going_on,
    )


def _make_entries() -> None:
    op.create_table(
        "draw_seeds",
        _id("draw_id"),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("draw_id", name=op.f("pk_draw_seeds")),
        _of("draw_seeds", "draw_id", "draws.id"),
    )
    op.create_table(
        "draw_entries",
        _id("draw_id"),
        _id("household_id"),
        _id("guest_id"),
        sa.Column("ticket", sa.String(32), nullable=False),
        _time("entered_at_ms"),
        _time("present_at_ms", nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("place", sa.Integer()),
        _id("order_id", nullable=True),
        sa.PrimaryKeyConstraint("draw_id", "household_id", name=op.f("pk_draw_entries")),
        _of("draw_entries", "draw_id", "draws.id"),
        _of("draw_entries", "guest_id", "guests.id"),
        _of("draw_entries", "order_id", "orders.id"),
        sa.UniqueConstraint("draw_id", "ticket", name=op.f("uq_draw_entries_draw_id_ticket")),
        sa.UniqueConstraint("draw_id", "place", name=op.f("uq_draw_entries_draw_id_place")),
        sa.UniqueConstraint("order_id", name=op.f("uq_draw_entries_order_id")),
        _check("draw_entries", "winners_counted", "place IS NULL OR counted"),
        _check("draw_entries", "a_place_is_an_order", "(place IS NULL) = (order_id IS NULL)"),
    )
