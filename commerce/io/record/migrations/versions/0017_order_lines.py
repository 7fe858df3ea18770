"""Set meals, and orders with several lines."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER set_parts_update BEFORE UPDATE ON set_parts
BEGIN SELECT RAISE(ABORT, 'a version of a recipe is immutable'); END
"""
_POSTGRESQL = """
CREATE FUNCTION set_parts_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a version of a recipe is immutable' USING ERRCODE = 'check_violation';
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER set_parts_immutable BEFORE UPDATE ON set_parts
FOR EACH ROW EXECUTE FUNCTION set_parts_immutable()
"""


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """What is there are items, and orders of one line that have no rows of lines."""
    _widen_products()
    _make_set_parts()
    _make_order_lines()
    op.add_column(
        "orders", sa.Column("line_count", sa.Integer(), nullable=False, server_default="0")
    )
    _widen_stock_moves()


def _widen_products() -> None:
    for column in (
        sa.Column("kind", sa.String(8), nullable=False, server_default="item"),
        sa.Column("recipe_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("recipe_zh", sa.Text(), nullable=False, server_default=""),
        sa.Column("recipe_en", sa.Text(), nullable=False, server_default=""),
        sa.Column("cooking_minutes", sa.Integer()),
    ):
        op.add_column("products", column)
    op.create_index("uq_products_id_kind", "products", ["id", "kind"], unique=True)


def _make_set_parts() -> None:
    op.create_table(
        "set_parts",
        sa.Column("set_id", sa.String(64), nullable=False),
        sa.Column("recipe_version", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(64), nullable=False),
        sa.Column("item_kind", sa.String(8), nullable=False, server_default="item"),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("share_bp", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "recipe_version", "part", name=op.f("pk_set_parts")),
        _fk("set_parts", "set_id", "products.id"),
        sa.ForeignKeyConstraint(
            ["item_id", "item_kind"],
            ["products.id", "products.kind"],
            name=op.f("fk_set_parts_item_id_item_kind"),
        ),
        sa.CheckConstraint("item_kind = 'item'", name=op.f("ck_set_parts_no_sets_in_sets")),
        sa.CheckConstraint("units > 0", name=op.f("ck_set_parts_units_positive")),
        sa.CheckConstraint(
            "share_bp >= 0 AND share_bp <= 10000", name=op.f("ck_set_parts_share_of_a_whole")
        ),
        sa.CheckConstraint(
            "role IN ('main', 'other', 'side', 'soup')", name=op.f("ck_set_parts_role_known")
        ),
    )
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE)
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        connection.exec_driver_sql(_POSTGRESQL_TRIGGER)


def _make_order_lines() -> None:
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("recipe_version", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line", name=op.f("pk_order_lines")),
        _fk("order_lines", "order_id", "orders.id"),
        _fk("order_lines", "product_id", "products.id"),
        sa.CheckConstraint("units > 0", name=op.f("ck_order_lines_units_positive")),
        sa.CheckConstraint(
            "total_fen = price_fen * units", name=op.f("ck_order_lines_total_of_units")
        ),
    )
    op.create_table(
        "order_parts",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(64), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("share_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line", "part", name=op.f("pk_order_parts")),
        _fk("order_parts", "item_id", "products.id"),
        sa.ForeignKeyConstraint(
            ["order_id", "line"],
            ["order_lines.order_id", "order_lines.line"],
            name=op.f("fk_order_parts_order_id_line"),
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_order_parts_units_positive")),
        sa.CheckConstraint("share_fen >= 0", name=op.f("ck_order_parts_share_positive")),
    )


def _widen_stock_moves() -> None:
    """An order has one move of a kind per product; SQLite needs a new table for that."""
    old, new = "uq_stock_moves_order_id_kind", "uq_stock_moves_order_id_product_id_kind"
    columns = ["order_id", "product_id", "kind"]
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(old, "stock_moves", type_="unique")
        op.create_unique_constraint(new, "stock_moves", columns)
        return
    table = sa.Table(
        "stock_moves",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(64)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('hand_over', 'receive', 'release', 'sell')",
            name="ck_stock_moves_kind_known",
        ),
        sa.CheckConstraint("units > 0", name="ck_stock_moves_units_positive"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_stock_moves_product_id"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_stock_moves_store_id"),
        sa.UniqueConstraint(*columns, name=new),
    )
    with op.batch_alter_table("stock_moves", copy_from=table, recreate="always"):
        pass
