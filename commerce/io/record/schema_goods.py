"""Categories, note cards, and columns of products on what is in them; part of the record's schema.

A row that names another of its own table (a parent, a product that it is a variant of) has no
foreign key: rows of a brand may be copied in any order. The use cases check what is named.
"""

from typing import Any

from sqlalchemy import Column, Integer, String, Table, Text

from commerce.io.record.columns import id_column, metadata, ref, time_column, version, words

categories = Table(
    "categories",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    Column("parent_id", String(64), nullable=False, server_default=""),
    *words("name"),
    Column("rank", Integer, nullable=False, server_default="0"),
    version(),
)

# Cooking tips; an empty estate stands for the whole brand, whose estates have no card of their own.
note_cards = Table(
    "note_cards",
    metadata,
    ref("product_id", "products.id", key=True),
    Column("estate_id", String(64), primary_key=True),
    *words("words"),
    Column("photo", String(200), nullable=False),
    Column("edited_by", String(64), nullable=False),
    time_column("edited_at_ms"),
)


def food_columns() -> tuple[Column[Any], ...]:
    """Those of `commerce.catalogue.food.FoodInformation`; allergens are codes after spaces."""
    return (
        Column("ingredients_zh", Text, nullable=False, server_default=""),
        Column("ingredients_en", Text, nullable=False, server_default=""),
        Column("allergens", String(200), nullable=False, server_default=""),
        Column("shelf_life_days", Integer),
        Column("storage", String(16), nullable=False, server_default=""),
        Column("storage_min_c", Integer),
        Column("storage_max_c", Integer),
        Column("net_amount", Integer),
        Column("net_unit", String(8), nullable=False, server_default=""),
        Column("origin_zh", String(200), nullable=False, server_default=""),
        Column("origin_en", String(200), nullable=False, server_default=""),
    )


def variant_columns() -> tuple[Column[Any], ...]:
    """Of which product this one is a variant, and what is different: 500 g, 1 kg."""
    return (
        Column("variant_of", String(64), nullable=False, server_default=""),
        Column("option_zh", String(200), nullable=False, server_default=""),
        Column("option_en", String(200), nullable=False, server_default=""),
    )
