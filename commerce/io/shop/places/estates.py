"""Estates, as the head office lists and edits them: pin, cells, and the stores that serve them."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Select, String, cast, delete, func, insert, select

from commerce.catalogue.cells import cells_around
from commerce.catalogue.values import Coordinates, Text
from commerce.io.record.schema import cities, estate_stores, estates, stores
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor, edit_row
from commerce.io.shop.places.place import PlaceKind, Places, require_of_brand, text_of

STORES_MAX = 5


@dataclass(frozen=True, slots=True)
class EstateRow:
    """An estate; `stores` serve it in that order, `cells` are H3 cells that it covers."""

    id: str
    name: Text
    latitude: float
    longitude: float
    rings: int
    cells: tuple[str, ...]
    city_id: str
    city_name: Text | None
    stores: tuple[str, ...]
    store_name: Text
    time_zone: str
    version: int


class Estates(Places[EstateRow]):
    """The estates of all brands. Among `values`, `stores` is a sequence of ids, best first."""

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, _KIND)

    def check(self, connection: Connection, by: Editor, values: Columns) -> None:
        """Refuse a city or a store that is not the brand's."""
        if city_id := values.get("city_id"):
            require_of_brand(connection, by, cities, (str(city_id),), "city_id")
        if "stores" in values:
            require_of_brand(connection, by, stores, _ids(values["stores"]), "stores")

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new estate and its stores."""
        first, *further = _ids(values["stores"])
        added = super().insert(connection, by, id, {**_plain(values), "store_id": first})
        _serve(connection, added, further)
        return added

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change, of the stores too."""
        if "stores" not in values:
            super().update(connection, by, row, _plain(values))
            return
        id = str(row["id"])
        first, *further = _ids(values["stores"])
        before = _further(connection, id)
        _serve(connection, id, further)
        self.announce(connection, by)
        edit_row(
            connection,
            by,
            _KIND.name,
            estates,
            row,
            {**_plain(values), "store_id": first},
            more=({"next_stores": before}, {"next_stores": further})
            if before != further
            else ({}, {}),
        )


def _plain(values: Columns) -> dict[str, object]:
    return {name: value for name, value in values.items() if name != "stores"}


def _ids(value: object) -> tuple[str, ...]:
    assert isinstance(value, (list, tuple)) and value
    return tuple(str(id) for id in value)


def _further(connection: Connection, estate_id: str) -> list[str]:
    return list(
        connection.scalars(
            select(estate_stores.c.store_id)
            .where(estate_stores.c.estate_id == estate_id)
            .order_by(estate_stores.c.rank)
        )
    )


def _serve(connection: Connection, estate_id: str, further: list[str]) -> None:
    connection.execute(delete(estate_stores).where(estate_stores.c.estate_id == estate_id))
    if further:
        connection.execute(
            insert(estate_stores),
            [
                {"estate_id": estate_id, "store_id": store_id, "rank": rank}
                for rank, store_id in enumerate(further, 1)
            ],
        )


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    ranked = cast(estate_stores.c.rank, String) + ":" + estate_stores.c.store_id
    further = (
        select(func.aggregate_strings(ranked, " "))
        .where(estate_stores.c.estate_id == estates.c.id)
        .correlate(estates)
        .scalar_subquery()
        .label("further")
    )
    return (
        select(
            estates,
            further,
            stores.c.name_zh.label("store_zh"),
            stores.c.name_en.label("store_en"),
            cities.c.name_zh.label("city_zh"),
            cities.c.name_en.label("city_en"),
        )
        .join(stores, stores.c.id == estates.c.store_id)
        .outerjoin(cities, cities.c.id == estates.c.city_id)
        .where(estates.c.brand_id == brand_id)
    )


def _estate(row: RowMapping) -> EstateRow:
    ranked = sorted(
        (int(rank), store_id)
        for rank, _, store_id in (part.partition(":") for part in (row["further"] or "").split())
    )
    pin = Coordinates(row["latitude"], row["longitude"])
    return EstateRow(
        id=row["id"],
        name=text_of(row, "name"),
        latitude=pin.latitude,
        longitude=pin.longitude,
        rings=row["rings"],
        cells=cells_around(pin, row["rings"]),
        city_id=row["city_id"] or "",
        city_name=Text(row["city_zh"], row["city_en"]) if row["city_id"] else None,
        stores=(row["store_id"], *(store_id for _, store_id in ranked)),
        store_name=Text(row["store_zh"], row["store_en"]),
        time_zone=row["time_zone"],
        version=row["version"],
    )


_KIND = PlaceKind(
    name="estate",
    table=estates,
    rows=_rows,
    search=(
        estates.c.id,
        estates.c.name_zh,
        estates.c.name_en,
        stores.c.name_zh,
        stores.c.name_en,
        func.coalesce(cities.c.name_zh, ""),
        func.coalesce(cities.c.name_en, ""),
    ),
    sorts={
        "name": estates.c.name_zh,
        "city_name": func.coalesce(cities.c.name_zh, ""),
        "store_name": stores.c.name_zh,
    },
    make=_estate,
)
