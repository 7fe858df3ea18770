"""Options of products as rows of the record, and the families that they make."""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, case, select

from commerce.catalogue.text import Text
from commerce.catalogue.variants import Families, Option
from commerce.io.record.schema import products


def option_of(row: RowMapping | dict[str, Any]) -> Option:
    """The option of a product's row."""
    return Option(row["variant_of"], Text(row["option_zh"], row["option_en"]))


def read_families(connection: Connection, brand_id: str) -> Families:
    """The options of all products of a brand."""
    rows = connection.execute(
        select(
            products.c.id, products.c.variant_of, products.c.option_zh, products.c.option_en
        ).where(products.c.brand_id == brand_id)
    )
    return Families({row["id"]: option_of(row) for row in rows.mappings()})


def full_name(language: Literal["zh", "en"]) -> ColumnElement[str]:
    """The name of a product with its option, as `with_option` writes it."""
    name, option = products.c[f"name_{language}"], products.c[f"option_{language}"]
    return case((option == "", name), else_=name + " · " + option)
