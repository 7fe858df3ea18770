"""Claims and ratings."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_MOVES = (
    ("open", "approved"),
    ("open", "refused"),
    ("open", "escalated"),
    ("escalated", "approved"),
    ("escalated", "refused"),
)
_UNKNOWN = """SELECT 1 FROM claim_transitions
              WHERE from_state = OLD.state AND to_state = NEW.state"""
_SQLITE = f"""
CREATE TRIGGER claims_moves BEFORE UPDATE OF state ON claims
WHEN OLD.state <> NEW.state AND NOT EXISTS ({_UNKNOWN})
BEGIN SELECT RAISE(ABORT, 'illegal move'); END
"""
_POSTGRESQL = f"""
CREATE FUNCTION claims_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS ({_UNKNOWN}) THEN
        RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER claims_moves BEFORE UPDATE OF state ON claims
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION claims_moves()
"""


def upgrade() -> None:
    """Nothing was claimed or rated before."""
    _make_claims()
    _make_ratings()
    moves = op.create_table(
        "claim_transitions",
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_claim_transitions")),
    )
    op.bulk_insert(moves, [{"from_state": a, "to_state": b} for a, b in _MOVES])
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE)
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        connection.exec_driver_sql(_POSTGRESQL_TRIGGER)


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False)


def _text(name: str, length: int, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def _time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _make_claims() -> None:
    op.create_table(
        "claims",
        _id("id"),
        _id("brand_id"),
        _id("store_id"),
        _id("estate_id"),
        _id("order_id"),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        _id("product_id"),
        _id("guest_id"),
        _id("household_id"),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        _text("fault", 16),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("photos", sa.Text(), nullable=False),
        _text("state", 16),
        _text("desk", 16),
        _text("why", 16),
        _time("made_at_ms"),
        _time("due_at_ms"),
        _time("decided_at_ms", nullable=True),
        _text("decided_by", 64, ""),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        _text("goods", 16, ""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        _of("claims", "brand_id", "brands.id"),
        _of("claims", "store_id", "stores.id"),
        _of("claims", "estate_id", "estates.id"),
        _of("claims", "order_id", "orders.id"),
        _of("claims", "product_id", "products.id"),
        sa.CheckConstraint("units > 0", name=op.f("ck_claims_units_positive")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_claims_amount_positive")),
        sa.CheckConstraint(
            "state IN ('approved', 'escalated', 'open', 'refused')",
            name=op.f("ck_claims_state_known"),
        ),
    )
    waiting = sa.text("state IN ('open', 'escalated')")
    op.create_index(
        "uq_claims_one_open",
        "claims",
        ["order_id", "line", "part"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_claims_waiting", "claims", ["state", "due_at_ms"])
    for column in ("household", "store", "guest"):
        op.create_index(f"ix_claims_{column}", "claims", [f"{column}_id", "made_at_ms"])


def _make_ratings() -> None:
    op.create_table(
        "ratings",
        _id("order_id"),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        _id("brand_id"),
        _id("product_id"),
        _id("guest_id"),
        sa.Column("stars", sa.Integer(), nullable=False),
        _text("tags", 200),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        _time("rated_at_ms"),
        _time("edited_at_ms"),
        sa.PrimaryKeyConstraint("order_id", "line", "part", name=op.f("pk_ratings")),
        _of("ratings", "order_id", "orders.id"),
        _of("ratings", "brand_id", "brands.id"),
        _of("ratings", "product_id", "products.id"),
        sa.CheckConstraint("stars >= 1 AND stars <= 5", name=op.f("ck_ratings_stars_known")),
    )
    op.create_index("ix_ratings_product", "ratings", ["product_id", "rated_at_ms"])
    op.create_index("ix_ratings_brand", "ratings", ["brand_id", "edited_at_ms"])
