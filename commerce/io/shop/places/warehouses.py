"""Warehouses: where goods come in before they go to the stores."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, Select, select

from commerce.catalogue.values import Text
from commerce.io.record.schema import warehouses
from commerce.io.shop.context import ShopContext
from commerce.io.shop.places.place import PlaceKind, Places, text_of


@dataclass(frozen=True, slots=True)
class WarehouseRow:
    """A warehouse in the head office's list."""

    id: str
    name: Text
    address: Text
    latitude: float
    longitude: float
    version: int


def warehouse_places(shop: ShopContext) -> Places[WarehouseRow]:
    """The warehouses of all brands."""
    return Places(shop, _KIND)


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    return select(warehouses).where(warehouses.c.brand_id == brand_id)


def _warehouse(row: RowMapping) -> WarehouseRow:
    return WarehouseRow(
        row["id"],
        text_of(row, "name"),
        text_of(row, "address"),
        row["latitude"],
        row["longitude"],
        row["version"],
    )


_KIND = PlaceKind(
    name="warehouse",
    table=warehouses,
    rows=_rows,
    search=(warehouses.c.id, warehouses.c.name_zh, warehouses.c.name_en),
    sorts={"name": warehouses.c.name_zh},
    make=_warehouse,
)
