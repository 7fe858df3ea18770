"""All that the head office edits of places, one attribute per kind, and the map of them."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from commerce.catalogue.cells import outline
from commerce.catalogue.values import Coordinates, Text
from commerce.io.record.schema import estates, stores, warehouses
from commerce.io.shop.context import ShopContext
from commerce.io.shop.places.brand import brand_settings
from commerce.io.shop.places.cities import city_places
from commerce.io.shop.places.estates import Estates
from commerce.io.shop.places.place import text_of
from commerce.io.shop.places.stores import Stores
from commerce.io.shop.places.warehouses import warehouse_places

DIGITS = 5
"""Of degrees on the map: about a metre."""


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A place on the map: where, and of an estate its city, first store and cells' corners."""

    id: str
    name: Text
    latitude: float
    longitude: float
    city_id: str = ""
    store_id: str = ""
    outline: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """All places of a brand."""

    estates: tuple[MapPlace, ...]
    stores: tuple[MapPlace, ...]
    warehouses: tuple[MapPlace, ...]


class AllPlaces:
    """Every kind of place, and the brand itself."""

    def __init__(self, shop: ShopContext) -> None:
        self.brands = brand_settings(shop)
        self.cities = city_places(shop)
        self.estates = Estates(shop)
        self.stores = Stores(shop)
        self.warehouses = warehouse_places(shop)
        self._shop = shop

    async def map(self, brand_id: str) -> PlaceMap:
        """Return where everything of a brand is."""

        def read(connection: Connection) -> PlaceMap:
            found = []
            for table in (estates, stores, warehouses):
                rows = select(table).where(table.c.brand_id == brand_id).order_by(table.c.id)
                found.append(tuple(map(_place, connection.execute(rows).mappings())))
            return PlaceMap(*found)

        return await self._shop.record.query(read)


def _place(row: RowMapping) -> MapPlace:
    pin = Coordinates(row["latitude"], row["longitude"])
    corners = outline(pin, row["rings"]) if "rings" in row else ()
    return MapPlace(
        row["id"],
        text_of(row, "name"),
        *_rounded(pin),
        city_id=row.get("city_id") or "",
        store_id=row.get("store_id", ""),
        outline=tuple(map(_rounded, corners)),
    )


def _rounded(point: Coordinates) -> tuple[float, float]:
    return round(point.latitude, DIGITS), round(point.longitude, DIGITS)
