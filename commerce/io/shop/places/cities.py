"""Cities, as the head office lists and edits them."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, Select, func, select

from commerce.catalogue.values import Text
from commerce.io.record.schema import cities, estates
from commerce.io.shop.context import ShopContext
from commerce.io.shop.places.place import PlaceKind, Places, text_of


@dataclass(frozen=True, slots=True)
class CityRow:
    """A city; `estates` is how many are in it."""

    id: str
    name: Text
    estates: int
    version: int


def city_places(shop: ShopContext) -> Places[CityRow]:
    """The cities of all brands."""
    return Places(shop, _KIND)


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    return select(cities, _ESTATES).where(cities.c.brand_id == brand_id)


def _city(row: RowMapping) -> CityRow:
    return CityRow(row["id"], text_of(row, "name"), row["estates"], row["version"])


_ESTATES = (
    select(func.count())
    .where(estates.c.city_id == cities.c.id)
    .correlate(cities)
    .scalar_subquery()
    .label("estates")
)
_KIND = PlaceKind(
    name="city",
    table=cities,
    rows=_rows,
    search=(cities.c.id, cities.c.name_zh, cities.c.name_en),
    sorts={"name": cities.c.name_zh, "estates": _ESTATES},
    make=_city,
)
