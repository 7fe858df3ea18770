"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen copies of the tables in commerce/orders/states.py and commerce/groups/group.py:
# a later change of those comes with a later migration.
ORDER_TRANSITIONS = (
    ("new", "cancelled"),
    ("new", "picking"),
    ("packed", "cancelled"),
    ("packed", "ready"),
    ("picking", "cancelled"),
    ("picking", "packed"),
    ("ready", "cancelled"),
    ("ready", "handed_over"),
    ("waiting_group", "cancelled"),
    ("waiting_group", "new"),
)
GROUP_TRANSITIONS = (
    ("fulfilling", "done"),
    ("open", "cancelled"),
    ("open", "expired"),
    ("open", "reached"),
    ("reached", "done"),
    ("reached", "fulfilling"),
)

MONEY_ENTRIES_VIEW = """
CREATE VIEW money_entries AS
SELECT id AS transfer_id, order_id, kind, to_account AS account, amount_fen, at_ms
FROM money_transfers
UNION ALL
SELECT id, order_id, kind, from_account, -amount_fen, at_ms FROM money_transfers
"""

_GUARDED = {"orders": "order_transitions", "buying_groups": "group_transitions"}


def _install_rules(connection: sa.Connection) -> None:
    """Fill the transition tables and create the triggers and views that enforce and show rules."""
    for table, transitions in (
        ("order_transitions", ORDER_TRANSITIONS),
        ("group_transitions", GROUP_TRANSITIONS),
    ):
        for a, b in transitions:
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('{a}', '{b}')")
    connection.exec_driver_sql(MONEY_ENTRIES_VIEW)
    guard = _guard_sqlite if connection.dialect.name == "sqlite" else _guard_postgresql
    for guarded, table in _GUARDED.items():
        for statement in guard(guarded, table):
            connection.exec_driver_sql(statement)


def _guard_sqlite(table: str, transitions: str) -> list[str]:
    return [
        f"""
        CREATE TRIGGER {table}_moves BEFORE UPDATE OF state ON {table}
        WHEN OLD.state <> NEW.state AND NOT EXISTS (
            SELECT 1 FROM {transitions} WHERE from_state = OLD.state AND to_state = NEW.state)
        BEGIN SELECT RAISE(ABORT, 'illegal move'); END
        """
    ]


def _guard_postgresql(table: str, transitions: str) -> list[str]:
    return [
        f"""
        CREATE FUNCTION {table}_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM {transitions}
                           WHERE from_state = OLD.state AND to_state = NEW.state) THEN
                RAISE EXCEPTION 'illegal move' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE TRIGGER {table}_moves BEFORE UPDATE OF state ON {table}
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION {table}_moves()
        """,
    ]


def upgrade() -> None:
    """Create every table and index, then the triggers and the view."""
    op.create_table(
        "brands",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "group_transitions",
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_group_transitions")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "order_transitions",
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_order_transitions")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=130), nullable=False),
        sa.Column("units", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_due", "outbox", ["due_at_ms", "id"], unique=False)
    op.create_table(
        "sandbox_charges",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_sandbox_charges")),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("unit_zh", sa.String(length=200), nullable=False),
        sa.Column("unit_en", sa.String(length=200), nullable=False),
        sa.Column("image", sa.String(length=200), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("list_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("group_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("group_target", sa.Integer(), nullable=True),
        sa.Column("group_duration_s", sa.Integer(), nullable=True),
        sa.Column("household_limit", sa.Integer(), nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.Column("shelf", sa.Integer(), nullable=False),
        sa.CheckConstraint("group_price_fen > 0", name=op.f("ck_products_group_price_positive")),
        sa.CheckConstraint("group_target >= 1", name=op.f("ck_products_group_target_positive")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_products_price_positive")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_products_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_table(
        "sandbox_refunds",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sandbox_charges.order_id"], name=op.f("fk_sandbox_refunds_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_sandbox_refunds")),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("address_zh", sa.String(length=200), nullable=False),
        sa.Column("address_en", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_stores_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
    )
    op.create_table(
        "estates",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_estates_brand_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_estates_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_estates")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_rooms_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
    )
    op.create_table(
        "stock",
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sold <= on_hand", name=op.f("ck_stock_never_oversold")),
        sa.CheckConstraint("sold >= 0", name=op.f("ck_stock_sold_positive")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_product_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_stock_store_id")),
        sa.PrimaryKeyConstraint("product_id", "store_id", name=op.f("pk_stock")),
    )
    op.create_table(
        "stock_moves",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('hand_over', 'receive', 'release', 'sell')",
            name=op.f("ck_stock_moves_kind_known"),
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_stock_moves_units_positive")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_stock_moves_product_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_stock_moves_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_moves")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_stock_moves_order_id_kind")),
    )
    op.create_table(
        "buying_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("estate_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('cancelled', 'done', 'expired', 'fulfilling', 'open', 'reached')",
            name=op.f("ck_buying_groups_state_known"),
        ),
        sa.CheckConstraint("joined >= 0", name=op.f("ck_buying_groups_joined_positive")),
        sa.ForeignKeyConstraint(
            ["estate_id"], ["estates.id"], name=op.f("fk_buying_groups_estate_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_buying_groups_product_id")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_buying_groups_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buying_groups")),
    )
    op.create_index(
        "ix_buying_groups_state_ends", "buying_groups", ["state", "ends_at_ms"], unique=False
    )
    op.create_index(
        "uq_buying_groups_one_open",
        "buying_groups",
        ["estate_id", "product_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "guests",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("nickname", sa.String(length=64), nullable=False),
        sa.Column("estate_id", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estates.id"], name=op.f("fk_guests_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guests")),
    )
    op.create_table(
        "lives",
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('live', 'over', 'paused', 'scheduled')", name=op.f("ck_lives_state_known")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_lives_room_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_lives")),
    )
    op.create_table(
        "pins",
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("pinned_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("media_time", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_pins_product_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_pins_room_id")),
        sa.PrimaryKeyConstraint("room_id", "product_id", name=op.f("pk_pins")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("roles", sa.String(length=100), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("store_id", sa.String(length=64), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_staff_room_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_staff_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
    )
    op.create_table(
        "group_seats",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("household_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["buying_groups.id"], name=op.f("fk_group_seats_group_id")
        ),
        sa.PrimaryKeyConstraint("group_id", "household_id", name=op.f("pk_group_seats")),
        sa.UniqueConstraint("order_id", name=op.f("uq_group_seats_order_id")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("estate_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("refused", sa.String(length=32), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("handed_over_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("body_hash", sa.String(length=32), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "refused IS NULL OR state = 'cancelled'", name=op.f("ck_orders_refused_is_cancelled")
        ),
        sa.CheckConstraint(
            "state IN ('cancelled', 'handed_over', 'new', 'packed', 'picking', 'ready', "
            "'waiting_group')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint(
            "paid_fen IN (0, total_fen)", name=op.f("ck_orders_paid_all_or_nothing")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_quantity_positive")),
        sa.CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= paid_fen",
            name=op.f("ck_orders_refunds_within_paid"),
        ),
        sa.ForeignKeyConstraint(["estate_id"], ["estates.id"], name=op.f("fk_orders_estate_id")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["buying_groups.id"], name=op.f("fk_orders_group_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_orders_product_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_orders_room_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_orders_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_created", "orders", ["created_at_ms"], unique=False)
    op.create_index("ix_orders_group", "orders", ["group_id", "state"], unique=False)
    op.create_index("ix_orders_guest", "orders", ["guest_id", "created_at_ms"], unique=False)
    op.create_index("ix_orders_store", "orders", ["store_id", "state"], unique=False)
    op.create_table(
        "money_transfers",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_account", sa.String(length=80), nullable=False),
        sa.Column("to_account", sa.String(length=80), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_money_transfers_amount_positive")),
        sa.CheckConstraint(
            "from_account <> to_account", name=op.f("ck_money_transfers_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_money_transfers_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_transfers")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_money_transfers_order_id_kind")),
    )
    op.create_table(
        "order_moves",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("moved_by", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_moves_order_id")),
        sa.PrimaryKeyConstraint("order_id", "version", name=op.f("pk_order_moves")),
    )
    op.create_table(
        "pickup_codes",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("redeemed_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_pickup_codes_order_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_pickup_codes_store_id")),
        sa.PrimaryKeyConstraint("store_id", "code", name=op.f("pk_pickup_codes")),
        sa.UniqueConstraint("order_id", name=op.f("uq_pickup_codes_order_id")),
    )
    op.create_table(
        "refunds",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_refunds")),
    )
    _install_rules(op.get_bind())
