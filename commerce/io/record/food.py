"""What is in products: columns of the record as `FoodInformation`, and back."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from commerce.catalogue.food import (
    Allergen,
    FoodInformation,
    NetContent,
    NetUnit,
    Storage,
    StorageKind,
    in_order,
)
from commerce.catalogue.values import Text
from commerce.io.record.schema import products
from commerce.io.record.schema_goods import food_columns

FOOD_COLUMNS = tuple(column.name for column in food_columns())


def food_of(row: Mapping[Any, Any]) -> FoodInformation:
    """The information of a row of `products`."""
    storage = row["storage"]
    amount = row["net_amount"]
    return FoodInformation(
        _words(row, "ingredients"),
        in_order(Allergen(code) for code in row["allergens"].split()),
        row["shelf_life_days"],
        Storage(StorageKind(storage), row["storage_min_c"], row["storage_max_c"])
        if storage
        else None,
        NetContent(amount, NetUnit(row["net_unit"])) if amount else None,
        _words(row, "origin"),
    )


def food_values(food: FoodInformation) -> dict[str, Any]:
    """The same as column values."""
    storage, net = food.storage, food.net
    return {
        **_columns("ingredients", food.ingredients),
        "allergens": " ".join(in_order(food.allergens)),
        "shelf_life_days": food.shelf_life_days,
        "storage": storage.kind.value if storage else "",
        "storage_min_c": storage.min_c if storage else None,
        "storage_max_c": storage.max_c if storage else None,
        "net_amount": net.amount if net else None,
        "net_unit": net.unit.value if net else "",
        **_columns("origin", food.origin),
    }


def read_food(connection: Connection, product_ids: Collection[str]) -> dict[str, FoodInformation]:
    """Return the information of some products by their ids."""
    names = (products.c[name] for name in FOOD_COLUMNS)
    found = connection.execute(select(products.c.id, *names).where(products.c.id.in_(product_ids)))
    return {row["id"]: food_of(row) for row in found.mappings()}


def _words(row: Mapping[Any, Any], name: str) -> Text | None:
    words = Text(row[f"{name}_zh"], row[f"{name}_en"])
    return words if words.zh or words.en else None


def _columns(name: str, words: Text | None) -> dict[str, str]:
    return {f"{name}_zh": words.zh if words else "", f"{name}_en": words.en if words else ""}
