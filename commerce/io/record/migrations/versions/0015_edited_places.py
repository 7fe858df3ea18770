"""Places that the head office edits: versions, opening hours, ranked stores, warehouses."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there has version 1, no opening hours and no further stores."""
    for table in ("brands", "cities", "estates", "stores"):
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "stores",
        sa.Column("opening_hours", sa.String(length=100), nullable=False, server_default=""),
    )
    op.add_column("estates", sa.Column("rings", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "estate_stores",
        sa.Column("estate_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["estate_id"], ["estates.id"], name=op.f("fk_estate_stores_estate_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["stores.id"], name=op.f("fk_estate_stores_store_id")
        ),
        sa.PrimaryKeyConstraint("estate_id", "store_id", name=op.f("pk_estate_stores")),
    )
    op.create_table(
        "warehouses",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("address_zh", sa.String(length=200), nullable=False),
        sa.Column("address_en", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_warehouses_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouses")),
    )
