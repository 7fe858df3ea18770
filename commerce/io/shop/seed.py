"""Loads a shop into the record, any number of times."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from commerce.catalogue.categories import Category
from commerce.catalogue.food import FoodInformation
from commerce.catalogue.pinyin import pinyin_of
from commerce.catalogue.values import Brand, Coordinates, Product, SeedPlan, Stock, Text
from commerce.catalogue.variants import Option
from commerce.io.ledger.writes import ORDER_NUMBER
from commerce.io.record.engine import Record, wall_clock
from commerce.io.record.food import food_values
from commerce.io.record.postings import receive_stock
from commerce.io.record.recipes import publish_recipes
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import (
    brands,
    cities,
    counters,
    estates,
    products,
    rooms,
    stock,
    stores,
)
from commerce.io.record.schema_goods import categories
from commerce.io.shop.staff import UNEDITED, load_staff, password_hashes, read_staff

FIRST_ORDER_NUMBER = 1_001


async def seed(engine: AsyncEngine, plan: SeedPlan) -> None:
    """Load `plan` into an upgraded record; needs no Redis and no running server.

    What exists is updated (names, prices), but not what the head office has edited; stock that
    exists is left as it is, and so is a password that one person was given. Staff that is not in
    the plan and was not invited logs in no more. A server that runs takes changes over within
    seconds.
    """
    hashes = await password_hashes(plan.staff, await read_staff(engine))
    at_ms = wall_clock()
    async with Record(engine).write() as connection:
        await _put(
            connection, counters, [{"name": ORDER_NUMBER, "value": FIRST_ORDER_NUMBER}], False
        )
        await _put(connection, brands, [_brand(plan.brand)])
        await _put(
            connection,
            cities,
            [
                {"id": city.id, "brand_id": plan.brand.id, **_words("name", city.name)}
                for city in plan.cities
            ],
        )
        await _put(connection, stores, [_store(plan, at) for at in range(len(plan.stores))])
        await _put(connection, estates, [_estate(plan, at) for at in range(len(plan.estates))])
        await _put(
            connection,
            rooms,
            [
                {"id": room.id, "store_id": room.store_id, **_words("title", room.title)}
                for room in plan.rooms
            ],
        )
        await _put(connection, categories, [_category(plan, at) for at in plan.categories])
        await _put(
            connection,
            products,
            [_product(product, plan, place) for place, product in enumerate(plan.products)],
        )
        recipes = {product.id: product.parts for product in plan.products}
        await connection.run_sync(publish_recipes, recipes)
        subjects = [product.id for product in plan.products]
        await connection.run_sync(announce_products, subjects, at_ms)
        await _stock(connection, plan.stock, at_ms)
        # Last: it writes the audit trail, see `record_audit`.
        await load_staff(connection, plan.brand.id, plan.staff, hashes, at_ms)


async def _stock(connection: AsyncConnection, received: Sequence[Stock], at_ms: int) -> None:
    rows = await connection.execute(select(stock.c.product_id, stock.c.store_id))
    known = {(product, store) for product, store in rows}
    for part in received:
        if (part.product_id, part.store_id) not in known and part.units:
            await connection.run_sync(
                receive_stock, part.product_id, part.store_id, part.units, at_ms
            )


async def _put(
    connection: AsyncConnection, table: Table, rows: list[dict[str, Any]], overwrite: bool = True
) -> None:
    """Insert rows, or bring those up to date that the head office has not edited."""
    [key] = table.primary_key.columns
    version = table.c.get("version", literal(UNEDITED))
    known = {id: edits for id, edits in await connection.execute(select(key, version))}
    for row in rows:
        if row[key.name] not in known:
            await connection.execute(insert(table), row)
        elif overwrite and known[row[key.name]] == UNEDITED:
            await connection.execute(update(table).where(key == row[key.name]).values(row))


def _words(name: str, text: Text) -> dict[str, Any]:
    return {f"{name}_zh": text.zh, f"{name}_en": text.en}


def _position(position: Coordinates) -> dict[str, Any]:
    return {"latitude": position.latitude, "longitude": position.longitude}


def _brand(brand: Brand) -> dict[str, Any]:
    return {
        "id": brand.id,
        **_words("name", brand.name),
        "confirm_above_fen": brand.confirm_above_fen,
        "units_per_address": brand.units_per_address,
        "units_per_device": brand.units_per_device,
        "seats_per_device": brand.seats_per_device,
        "recording_days": brand.recording_days,
        "recording_gib": brand.recording_gib,
        "phone_needed": brand.phone_needed,
    }


def _store(plan: SeedPlan, at: int) -> dict[str, Any]:
    store = plan.stores[at]
    return {
        "id": store.id,
        "brand_id": plan.brand.id,
        **_words("name", store.name),
        **_words("address", store.address),
        **_position(store.position),
        "opening_hours": store.opening_hours,
        "packers": store.packers,
        "orders_per_packer_hour": store.orders_per_packer_hour,
        "delivers": store.delivers,
    }


def _estate(plan: SeedPlan, at: int) -> dict[str, Any]:
    estate = plan.estates[at]
    return {
        "id": estate.id,
        "brand_id": plan.brand.id,
        "store_id": estate.store_id,
        **({"city_id": estate.city_id} if estate.city_id else {}),
        **_words("name", estate.name),
        **_position(estate.position),
    }


def _category(plan: SeedPlan, category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "brand_id": plan.brand.id,
        "parent_id": category.parent_id,
        "rank": category.rank,
        **_words("name", category.name),
    }


def _product(product: Product, plan: SeedPlan, shelf: int) -> dict[str, Any]:
    offer = product.group
    option = plan.options.get(product.id, Option())
    return {
        "id": product.id,
        "brand_id": plan.brand.id,
        **_words("name", product.name),
        **_words("unit", product.unit),
        "image": product.image,
        "price_fen": product.price_fen,
        "list_price_fen": product.list_price_fen,
        "group_price_fen": offer.price_fen if offer else None,
        "group_target": offer.target if offer else None,
        "group_duration_s": offer.duration_s if offer else None,
        "household_limit": product.household_limit,
        "on_sale": product.on_sale,
        "shelf": shelf,
        "pinyin": pinyin_of(product.name.zh),
        "recipe_zh": product.recipe.zh if product.recipe else "",
        "recipe_en": product.recipe.en if product.recipe else "",
        "cooking_minutes": product.cooking_minutes,
        "category_id": product.category_id or None,
        "variant_of": option.variant_of,
        **_words("option", option.name),
        **food_values(plan.food.get(product.id, FoodInformation())),
    }
