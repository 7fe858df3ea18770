"""Campaigns, their coupons, and what comes off the lines of orders."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_MOVES = (
    ("claimed", "held"),
    ("held", "used"),
    ("held", "claimed"),
    ("used", "claimed"),
    ("claimed", "expired"),
)
_UNKNOWN = """SELECT 1 FROM coupon_transitions
              WHERE from_state = OLD.state AND to_state = NEW.state"""
_SQLITE = f"""
CREATE TRIGGER coupons_moves BEFORE UPDATE OF state ON coupons
WHEN OLD.state <> NEW.state AND NOT EXISTS ({_UNKNOWN})
BEGIN SELECT RAISE(ABORT, 'illegal move'); END
"""
_POSTGRESQL = f"""
CREATE FUNCTION coupons_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS ({_UNKNOWN}) THEN
        RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER coupons_moves BEFORE UPDATE OF state ON coupons
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION coupons_moves()
"""


def upgrade() -> None:
    """No order had a discount before."""
    for table in ("orders", "order_lines"):
        op.add_column(
            table, sa.Column("discount_fen", sa.BigInteger(), nullable=False, server_default="0")
        )
    _make_campaigns()
    _make_coupons()
    op.create_table(
        "order_discounts",
        _id("order_id"),
        _number("line"),
        _text("kind", 16),
        _id("source"),
        _fen("amount_fen"),
        sa.PrimaryKeyConstraint(
            "order_id", "line", "kind", "source", name=op.f("pk_order_discounts")
        ),
        _of("order_discounts", "order_id", "orders.id"),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_order_discounts_amount_positive")),
    )
    moves = op.create_table(
        "coupon_transitions",
        _text("from_state", 16),
        _text("to_state", 16),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_coupon_transitions")),
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


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False)


def _fen(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _make_campaigns() -> None:
    op.create_table(
        "campaigns",
        _id("id"),
        _id("brand_id"),
        _text("name_zh", 200),
        _text("name_en", 200),
        _text("kind", 16),
        _fen("amount_fen"),
        _number("percent"),
        _fen("cap_fen"),
        _fen("minimum_fen"),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("estates", sa.JSON(), nullable=False),
        _time("from_ms"),
        _time("until_ms"),
        _number("valid_s"),
        _fen("budget_fen"),
        _fen("taken_fen"),
        sa.Column("code", sa.String(20)),
        _time("made_at_ms"),
        _time("stopped_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        _of("campaigns", "brand_id", "brands.id"),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_campaigns_brand_id_code")),
        sa.CheckConstraint(
            "taken_fen >= 0 AND taken_fen <= budget_fen", name=op.f("ck_campaigns_within_budget")
        ),
        sa.CheckConstraint(
            "kind IN ('code', 'newcomer', 'room', 'stay')", name=op.f("ck_campaigns_kind_known")
        ),
    )
    op.create_index("ix_campaigns_brand", "campaigns", ["brand_id", "made_at_ms"])
    op.create_table(
        "coupon_releases",
        _id("id"),
        _id("campaign_id"),
        _id("room_id"),
        _number("pieces"),
        _number("claimed"),
        _time("opened_at_ms"),
        _time("closes_at_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_releases")),
        _of("coupon_releases", "campaign_id", "campaigns.id"),
        _of("coupon_releases", "room_id", "rooms.id"),
        sa.CheckConstraint(
            "claimed >= 0 AND claimed <= pieces", name=op.f("ck_coupon_releases_within_pieces")
        ),
    )
    op.create_index("ix_coupon_releases_room", "coupon_releases", ["room_id", "opened_at_ms"])


def _make_coupons() -> None:
    op.create_table(
        "coupons",
        _id("id"),
        _id("campaign_id"),
        _id("household_id"),
        _number("n"),
        _id("guest_id"),
        sa.Column("release_id", sa.String(64)),
        _fen("value_fen"),
        _text("state", 16),
        _time("claimed_at_ms"),
        _time("expires_at_ms"),
        sa.Column("order_id", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        _of("coupons", "campaign_id", "campaigns.id"),
        _of("coupons", "guest_id", "guests.id"),
        _of("coupons", "release_id", "coupon_releases.id"),
        _of("coupons", "order_id", "orders.id"),
        sa.UniqueConstraint(
            "campaign_id", "household_id", "n", name=op.f("uq_coupons_campaign_id_household_id_n")
        ),
        sa.CheckConstraint("value_fen > 0", name=op.f("ck_coupons_value_positive")),
        sa.CheckConstraint(
            "(order_id IS NOT NULL) = (state IN ('held', 'used'))",
            name=op.f("ck_coupons_of_an_order_while_taken"),
        ),
        sa.CheckConstraint(
            "state IN ('claimed', 'expired', 'held', 'used')", name=op.f("ck_coupons_state_known")
        ),
    )
    op.create_index("ix_coupons_household", "coupons", ["household_id", "state"])
    op.create_index("ix_coupons_guest", "coupons", ["guest_id"])
    op.create_index("ix_coupons_order", "coupons", ["order_id"])
    op.create_index("ix_coupons_ends", "coupons", ["state", "expires_at_ms"])
