"""Categories, what is in a product, and variants of one."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Products that are there are in no category, and nothing is stated about them."""
    op.create_table(
        "categories",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_categories_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
    )
    category = sa.Column(
        "category_id", sa.String(length=64), sa.ForeignKey("categories.id"), nullable=True
    )
    op.add_column("products", category, inline_references=True)
    op.create_index("ix_products_category", "products", ["category_id"])
    for name in ("ingredients_zh", "ingredients_en"):
        op.add_column("products", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for name in ("shelf_life_days", "storage_min_c", "storage_max_c", "net_amount"):
        op.add_column("products", sa.Column(name, sa.Integer()))
    texts = {
        "allergens": 200,
        "storage": 16,
        "net_unit": 8,
        "origin_zh": 200,
        "origin_en": 200,
        "variant_of": 64,
        "option_zh": 200,
        "option_en": 200,
    }
    for name, length in texts.items():
        column = sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        op.add_column("products", column)
