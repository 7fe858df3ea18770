"""The columns of the product list that say what is in a product."""

from commerce.catalogue.food import (
    ALLERGEN_NAMES,
    CELSIUS_MAX,
    CELSIUS_MIN,
    INGREDIENTS_CHARS_MAX,
    NET_AMOUNT_MAX,
    SHELF_LIFE_DAYS_MAX,
    Allergen,
    NetUnit,
    StorageKind,
)
from commerce.catalogue.sheets import Column, choice, several, whole, words
from commerce.catalogue.values import Text

_ALLERGENS = {
    name.lower(): allergen.value
    for allergen in Allergen
    for name in (allergen.value, ALLERGEN_NAMES[allergen].zh, ALLERGEN_NAMES[allergen].en)
}
_CELSIUS = whole(CELSIUS_MIN, CELSIUS_MAX)
_INGREDIENTS = words(INGREDIENTS_CHARS_MAX)

FOOD_COLUMNS = (
    Column("ingredients_zh", Text("配料", "Chinese ingredients"), _INGREDIENTS, False, ""),
    Column("ingredients_en", Text("英文配料", "English ingredients"), _INGREDIENTS, False, ""),
    Column("allergens", Text("致敏物质", "Allergens"), several(_ALLERGENS), False, ""),
    Column(
        "shelf_life_days",
        Text("保质期（天）", "Shelf life (days)"),
        whole(1, SHELF_LIFE_DAYS_MAX),
        False,
    ),
    Column("storage", Text("储存", "Storage"), choice(*StorageKind), False, ""),
    Column("storage_min_c", Text("储存温度从（℃）", "Storage from (°C)"), _CELSIUS, False),
    Column("storage_max_c", Text("储存温度到（℃）", "Storage to (°C)"), _CELSIUS, False),
    Column("net_amount", Text("净含量", "Net content"), whole(1, NET_AMOUNT_MAX), False),
    Column("net_unit", Text("净含量单位", "Net unit"), choice(*NetUnit), False, ""),
    Column("origin_zh", Text("产地", "Chinese origin"), words(100), False, ""),
    Column("origin_en", Text("英文产地", "English origin"), words(100), False, ""),
)
