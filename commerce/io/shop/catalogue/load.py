"""Reads the catalogue from the record in one go."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Brand, City, Coordinates, Product, Room, Store, Text
from commerce.io.record.presales import read_presales
from commerce.io.record.recipes import current_recipes
from commerce.io.record.rows import PRODUCTS, estate_of, product_of
from commerce.io.record.rule_book import rule_book_in, version_in
from commerce.io.record.schema import (
    brands,
    cities,
    estate_stores,
    estates,
    products,
    rooms,
    stores,
)
from commerce.io.shop.catalogue.catalogue import Catalogue, Goods
from commerce.orders.routing import candidates


async def load_catalogue(connection: AsyncConnection) -> Catalogue:
    """Read the whole catalogue."""
    return await connection.run_sync(catalogue_in, Catalogue())


def catalogue_in(connection: Connection, known: Catalogue) -> Catalogue:
    """Read the catalogue; products and rules that `known` has as they are are not read again."""

    def rows(table: Any) -> list[RowMapping]:
        return list(connection.execute(select(table).order_by(table.c.id)).mappings())

    brand_rows = rows(brands)
    goods, shelf, product_owners = _shelf(connection, known)
    owners = product_owners | {
        (kind, id): brand_id
        for kind, table in (("store", stores), ("estate", estates))
        for id, brand_id in connection.execute(select(table.c.id, table.c.brand_id))
    }
    all_stores = {row["id"]: _store(row) for row in rows(stores)}
    further: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for estate_id, store_id in connection.execute(
        select(estate_stores.c.estate_id, estate_stores.c.store_id).order_by(estate_stores.c.rank)
    ):
        further[estate_id] += (store_id,)
    all_rooms = rows(rooms)
    all_estates = {row["id"]: estate_of(row, further[row["id"]]) for row in rows(estates)}
    return Catalogue(
        brands={row["id"]: _brand(row) for row in brand_rows},
        gates={row["id"]: row["gate"] for row in brand_rows},
        owners=owners,
        cities={row["id"]: City(row["id"], _text(row, "name")) for row in rows(cities)},
        stores=all_stores,
        estates=all_estates,
        rooms={
            row["id"]: Room(row["id"], _text(row, "title"), row["store_id"]) for row in all_rooms
        },
        products=shelf,
        variants=_variants(shelf),
        routes={
            estate.id: candidates(
                estate,
                [
                    store
                    for store in all_stores.values()
                    if owners["store", store.id] == owners["estate", estate.id]
                ],
            )
            for estate in all_estates.values()
        },
        rehearsals=frozenset(row["id"] for row in all_rooms if row["rehearsal_since_ms"]),
        rules=rule_book_in(connection, known.rules),
        goods=goods,
        presales=read_presales(connection),
    )


def _shelf(
    connection: Connection, known: Catalogue
) -> tuple[Goods, dict[str, Product], dict[tuple[str, str], str]]:
    """All products with whose they are, and what tells whether they have changed."""
    edits = func.sum(products.c.version + products.c.recipe_version)
    count, sum_of_edits = connection.execute(
        select(func.count(), edits).select_from(products)
    ).one()
    goods = (version_in(connection), count, int(sum_of_edits or 0))
    if goods == known.goods:
        owners = {named: brand for named, brand in known.owners.items() if named[0] == "product"}
        return goods, known.products, owners
    recipes = current_recipes(connection)
    found = connection.execute(PRODUCTS.order_by(products.c.shelf, products.c.id)).mappings().all()
    owners = {("product", row["id"]): row["brand_id"] for row in found}
    return goods, {row["id"]: product_of(row, recipes.get(row["id"], ())) for row in found}, owners


def _variants(shelf: dict[str, Product]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for product in shelf.values():
        if product.variant_of and product.on_sale:
            found[product.variant_of].append(product.id)
    return {id: tuple(variants) for id, variants in found.items()}


def _text(row: RowMapping, name: str) -> Text:
    return Text(row[f"{name}_zh"], row[f"{name}_en"])


def _brand(row: RowMapping) -> Brand:
    return Brand(
        row["id"],
        _text(row, "name"),
        row["confirm_above_fen"],
        row["units_per_address"],
        row["units_per_device"],
        row["seats_per_device"],
        row["recording_days"],
        row["recording_gib"],
        row["phone_needed"],
        row["member_prices"],
        row["split_orders"],
        row["store_presales"],
    )


def _store(row: RowMapping) -> Store:
    position = Coordinates(row["latitude"], row["longitude"])
    return Store(
        row["id"],
        _text(row, "name"),
        _text(row, "address"),
        position,
        row["opening_hours"],
        row["packers"],
        row["orders_per_packer_hour"],
        row["delivers"],
        row["closed_until_ms"],
    )
