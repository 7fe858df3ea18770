"""Prices and assortment by city, estate, store and live, and bounds of a store's own price."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Products that are there cost and are offered everywhere what they were."""
    op.add_column("products", sa.Column("own_price_min_fen", sa.BigInteger()))
    op.add_column("products", sa.Column("own_price_max_fen", sa.BigInteger()))
    op.add_column(
        "products", sa.Column("pinyin", sa.String(400), nullable=False, server_default="")
    )
    op.add_column(
        "products", sa.Column("version", sa.Integer(), nullable=False, server_default="1")
    )
    scopes = ("brand", "city", "estate")
    _rules(
        "price_rules",
        (*scopes, "live", "member", "store"),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name="ck_price_rules_price_positive"),
    )
    _rules("assortment_rules", scopes, sa.Column("offered", sa.Boolean(), nullable=False))
    # Grows with every change of a rule, so that workers read them again only then.
    op.execute("INSERT INTO counters (name, value) VALUES ('rules', 0)")


def _rules(table: str, scopes: Sequence[str], *more: sa.schema.SchemaItem) -> None:
    listed = ", ".join(f"'{scope}'" for scope in sorted(scopes))
    op.create_table(
        table,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("brand_id", sa.String(64), sa.ForeignKey("brands.id"), nullable=False),
        sa.Column("product_id", sa.String(64), sa.ForeignKey("products.id"), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("scope_id", sa.String(64), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        *more,
        sa.UniqueConstraint(
            "product_id",
            "scope",
            "scope_id",
            "from_ms",
            name=f"uq_{table}_product_id_scope_scope_id_from_ms",
        ),
        sa.CheckConstraint(
            "until_ms IS NULL OR until_ms > from_ms", name=f"ck_{table}_window_has_length"
        ),
        sa.CheckConstraint(f"scope IN ({listed})", name=f"ck_{table}_scope_known"),
    )
