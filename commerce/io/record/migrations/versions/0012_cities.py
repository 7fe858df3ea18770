"""Cities: estates that share prices and an assortment."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Estates that are there belong to no city."""
    op.create_table(
        "cities",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_cities_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cities")),
    )
    city = sa.Column("city_id", sa.String(length=64), sa.ForeignKey("cities.id"), nullable=True)
    op.add_column("estates", city, inline_references=True)
