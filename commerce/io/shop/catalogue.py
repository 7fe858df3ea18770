"""A snapshot of what changes rarely: brand, stores, estates, rooms, products; read in one go."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Brand, Estate, Position, Product, Room, Store, Text
from commerce.errors import NotFound
from commerce.io.record.rows import PRODUCTS, product_of
from commerce.io.record.schema import brands, estates, products, rooms, stores
from commerce.orders.routing import candidates

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything by id, in the order of the shelf; `routes` are candidate stores by estate."""

    brand: Brand | None = None
    stores: dict[str, Store] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    routes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def store(self, store_id: str) -> Store:
        """The store, or `NotFound`."""
        return _found(self.stores, "store", store_id)

    def estate(self, estate_id: str) -> Estate:
        """The estate, or `NotFound`."""
        return _found(self.estates, "estate", estate_id)

    def room(self, room_id: str) -> Room:
        """The room, or `NotFound`."""
        return _found(self.rooms, "room", room_id)

    def product(self, product_id: str) -> Product:
        """The product, or `NotFound`."""
        return _found(self.products, "product", product_id)

    def estates_of(self, room_id: str) -> tuple[Estate, ...]:
        """Estates that a room sells to: all of the brand's, those of its own store first."""
        store_id = self.room(room_id).store_id
        return tuple(sorted(self.estates.values(), key=lambda estate: estate.store_id != store_id))


async def load_catalogue(connection: AsyncConnection) -> Catalogue:
    """Read the whole catalogue."""

    async def rows(table: Any) -> list[RowMapping]:
        return list((await connection.execute(select(table).order_by(table.c.id))).mappings())

    brand_rows = await rows(brands)
    all_stores = {row["id"]: _store(row) for row in await rows(stores)}
    all_estates = {row["id"]: _estate(row) for row in await rows(estates)}
    shelf = await connection.execute(PRODUCTS.order_by(products.c.shelf, products.c.id))
    return Catalogue(
        brand=Brand(brand_rows[0]["id"], _text(brand_rows[0], "name")) if brand_rows else None,
        stores=all_stores,
        estates=all_estates,
        rooms={
            row["id"]: Room(row["id"], _text(row, "title"), row["store_id"])
            for row in await rows(rooms)
        },
        products={row["id"]: product_of(row) for row in shelf.mappings()},
        routes={
            estate.id: candidates(estate, all_stores.values()) for estate in all_estates.values()
        },
    )


def _found(things: dict[str, T], kind: str, id: str) -> T:
    thing = things.get(id)
    if thing is None:
        raise NotFound(kind, id)
    return thing


def _text(row: RowMapping, name: str) -> Text:
    return Text(row[f"{name}_zh"], row[f"{name}_en"])


def _store(row: RowMapping) -> Store:
    position = Position(row["latitude"], row["longitude"])
    return Store(row["id"], _text(row, "name"), _text(row, "address"), position)


def _estate(row: RowMapping) -> Estate:
    position = Position(row["latitude"], row["longitude"])
    return Estate(row["id"], _text(row, "name"), position, row["store_id"])
