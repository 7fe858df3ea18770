"""The tables of set meals and of orders with several lines; part of the record's schema.

A row of `set_parts` never changes (a trigger, made by the migrations), and no set is part of a set.
An order of one item is its own line and has no rows here. The total of a line in the record is what
its units cost; what is paid for it is that less its discount.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
)

from commerce.catalogue.sets import SHARES_BP, PartRole, ProductKind
from commerce.io.record.columns import metadata

_ROLES = ", ".join(f"'{role}'" for role in sorted(PartRole))

set_parts = Table(
    "set_parts",
    metadata,
    Column("set_id", String(64), ForeignKey("products.id"), primary_key=True),
    Column("recipe_version", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("item_id", String(64), nullable=False),
    Column("item_kind", String(8), nullable=False, server_default=ProductKind.ITEM),
    Column("units", Integer, nullable=False),
    Column("share_bp", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    ForeignKeyConstraint(["item_id", "item_kind"], ["products.id", "products.kind"]),
    CheckConstraint(f"item_kind = '{ProductKind.ITEM}'", name="no_sets_in_sets"),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint(f"share_bp >= 0 AND share_bp <= {SHARES_BP}", name="share_of_a_whole"),
    CheckConstraint(f"role IN ({_ROLES})", name="role_known"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("product_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("recipe_version", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("price_fen", BigInteger, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("tax_bp", Integer),
    Column("discount_fen", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("total_fen = price_fen * units", name="total_of_units"),
)

order_parts = Table(
    "order_parts",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("item_id", String(64), ForeignKey("products.id"), nullable=False),
    Column("units", Integer, nullable=False),
    Column("share_fen", BigInteger, nullable=False),
    ForeignKeyConstraint(["order_id", "line"], ["order_lines.order_id", "order_lines.line"]),
    CheckConstraint("units > 0", name="units_positive"),
    CheckConstraint("share_fen >= 0", name="share_positive"),
)
