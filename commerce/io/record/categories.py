"""Reads the categories of a brand."""

from sqlalchemy import Connection, select

from commerce.catalogue.categories import Category
from commerce.catalogue.values import Text
from commerce.io.record.schema_goods import categories


def read_categories(connection: Connection, brand_id: str) -> dict[str, Category]:
    """Return all of them by id."""
    rows = connection.execute(select(categories).where(categories.c.brand_id == brand_id))
    return {
        row["id"]: Category(
            row["id"], Text(row["name_zh"], row["name_en"]), row["parent_id"], row["rank"]
        )
        for row in rows.mappings()
    }
