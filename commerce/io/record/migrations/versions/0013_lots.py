"""Stock by lot and location, tills and their receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SHARED = ("supplier", "warehouse", "waste", "sold", "pos", "count")


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """What may be sold now becomes one lot per product and store."""
    _make_lots()
    _make_tills()
    connection = op.get_bind()
    for statement in _immutable(connection.dialect.name):
        connection.exec_driver_sql(statement)
    _open()


def _make_lots() -> None:
    op.create_table(
        "locations",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("store_id", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        _fk("locations", "store_id", "stores.id"),
    )
    op.create_table(
        "lots",
        sa.Column("id", sa.String(140), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("best_before_ms", sa.BigInteger()),
        sa.Column("cost_fen", sa.BigInteger()),
        sa.Column("supplier", sa.String(100), nullable=False, server_default=""),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
        _fk("lots", "product_id", "products.id"),
    )
    op.create_index("ix_lots_best_before", "lots", ["best_before_ms"])
    op.create_table(
        "balances",
        sa.Column("location_id", sa.String(80), nullable=False),
        sa.Column("lot_id", sa.String(140), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "lot_id", name=op.f("pk_balances")),
        _fk("balances", "location_id", "locations.id"),
        _fk("balances", "lot_id", "lots.id"),
        _fk("balances", "product_id", "products.id"),
        sa.CheckConstraint("units >= 0", name=op.f("ck_balances_units_never_negative")),
    )
    op.create_index("ix_balances_product", "balances", ["location_id", "product_id"])
    op.create_table(
        "lot_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("lot_id", sa.String(140), nullable=False),
        sa.Column("from_id", sa.String(80), nullable=False),
        sa.Column("to_id", sa.String(80), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("line", sa.String(80), nullable=False),
        sa.Column("moved_by", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_moves")),
        _fk("lot_moves", "lot_id", "lots.id"),
        _fk("lot_moves", "from_id", "locations.id"),
        _fk("lot_moves", "to_id", "locations.id"),
        sa.UniqueConstraint(
            "source", "line", "lot_id", "kind", name=op.f("uq_lot_moves_source_line_lot_id_kind")
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_lot_moves_units_positive")),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_lot_moves_two_locations")),
    )
    op.create_table(
        "stock_transfers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("from_id", sa.String(80), nullable=False),
        sa.Column("to_store_id", sa.String(64), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("received_units", sa.BigInteger()),
        sa.Column("sent_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_transfers")),
        _fk("stock_transfers", "from_id", "locations.id"),
        _fk("stock_transfers", "to_store_id", "stores.id"),
        _fk("stock_transfers", "product_id", "products.id"),
        sa.CheckConstraint("units > 0", name=op.f("ck_stock_transfers_units_positive")),
        sa.CheckConstraint(
            "received_units <= units", name=op.f("ck_stock_transfers_no_more_than_sent")
        ),
    )
    op.create_index("ix_stock_transfers_to", "stock_transfers", ["to_store_id", "received_at_ms"])


def _make_tills() -> None:
    op.create_table(
        "tills",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("key_hash", sa.String(64)),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tills")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_tills_key_hash")),
        _fk("tills", "store_id", "stores.id"),
    )
    op.create_index("ix_tills_store", "tills", ["store_id"])
    op.create_table(
        "pos_lines",
        sa.Column("till_id", sa.String(64), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("product_id", sa.String(64)),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("body_hash", sa.String(32), nullable=False),
        sa.Column("sold_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("booked_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("till_id", "number", "line", name=op.f("pk_pos_lines")),
        _fk("pos_lines", "till_id", "tills.id"),
        _fk("pos_lines", "product_id", "products.id"),
    )
    op.create_table(
        "pos_voids",
        sa.Column("till_id", sa.String(64), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("voided_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("till_id", "number", name=op.f("pk_pos_voids")),
        _fk("pos_voids", "till_id", "tills.id"),
    )
    op.create_table(
        "barcodes",
        sa.Column("code", sa.String(13), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("grams_per_unit", sa.Integer()),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_barcodes")),
        _fk("barcodes", "product_id", "products.id"),
        sa.CheckConstraint("grams_per_unit > 0", name=op.f("ck_barcodes_grams_positive")),
    )


def _immutable(dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER lot_moves_no_{verb.lower()} BEFORE {verb} ON lot_moves "
            "BEGIN SELECT RAISE(ABORT, 'stock moves never change'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        """
        CREATE FUNCTION lot_moves_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'stock moves never change' USING ERRCODE = 'check_violation';
        END $$
        """,
        "CREATE TRIGGER lot_moves_stay BEFORE UPDATE OR DELETE ON lot_moves "
        "FOR EACH ROW EXECUTE FUNCTION lot_moves_stay()",
    ]


def _open() -> None:
    for kind in SHARED:
        op.execute(f"INSERT INTO locations (id, kind) VALUES ('{kind}', '{kind}')")
    op.execute(
        "INSERT INTO locations (id, kind, store_id) SELECT 'shop:' || id, 'shop', id FROM stores"
    )
    op.execute(
        "INSERT INTO lots (id, product_id, received_at_ms) "
        "SELECT product_id || '|' || store_id, product_id, 0 FROM stock"
    )
    op.execute(
        "INSERT INTO balances (location_id, lot_id, product_id, units) "
        "SELECT 'shop:' || store_id, product_id || '|' || store_id, product_id, on_hand - sold "
        "FROM stock"
    )
    op.execute(
        "INSERT INTO lot_moves (product_id, lot_id, from_id, to_id, units, kind, source, line, "
        "moved_by, at_ms) "
        "SELECT product_id, product_id || '|' || store_id, 'count', 'shop:' || store_id, "
        "on_hand - sold, 'opening', product_id || '|' || store_id, '', '', 0 "
        "FROM stock WHERE on_hand > sold"
    )
