"""Barcodes are unique in their brand: brands sell the same goods."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_OWNER = """
UPDATE barcodes SET brand_id =
    (SELECT products.brand_id FROM products WHERE products.id = barcodes.product_id)
"""


def upgrade() -> None:
    """A code whose brand is empty was written by a worker that knows nothing of this column."""
    brand = sa.Column("brand_id", sa.String(64), nullable=False, server_default="")
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("barcodes", brand)
        op.execute(_OWNER)
        op.drop_constraint("pk_barcodes", "barcodes", type_="primary")
        op.create_primary_key("pk_barcodes", "barcodes", ["brand_id", "code"])
        return
    op.rename_table("barcodes", "old_barcodes")
    op.create_table(
        "barcodes",
        brand,
        sa.Column("code", sa.String(13), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("grams_per_unit", sa.Integer),
        sa.PrimaryKeyConstraint("brand_id", "code", name=op.f("pk_barcodes")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_barcodes_product_id")
        ),
        sa.CheckConstraint("grams_per_unit > 0", name=op.f("ck_barcodes_grams_positive")),
    )
    op.execute(
        "INSERT INTO barcodes (brand_id, code, product_id, grams_per_unit)"
        " SELECT products.brand_id, code, product_id, grams_per_unit"
        " FROM old_barcodes JOIN products ON products.id = old_barcodes.product_id"
    )
    op.drop_table("old_barcodes")
