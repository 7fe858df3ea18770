"""A store's own prices: what the till asks, and what the estates that it serves first pay.

The head office gives a product bounds; without them the store has no price of its own.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.rules import Place, Scope
from commerce.catalogue.values import Product
from commerce.errors import InvalidField
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import products
from commerce.io.record.schema_rules import price_rules
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import ID_BYTES


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """The bounds of a store's price of a product, what it is (None: the head office's) and that."""

    min_fen: int
    max_fen: int
    price_fen: int | None
    hq_price_fen: int


@dataclass(frozen=True, slots=True)
class StorePrice:
    """What a product costs in a store; `own` is None where the store may set no price."""

    price_fen: int
    own: OwnPrice | None


def store_place(catalogue: Catalogue, store_id: str) -> Place:
    """Where a store stands: in the city of the first estate that it serves first."""
    cities = (
        estate.city_id for estate in catalogue.estates.values() if estate.store_id == store_id
    )
    return Place(city_id=next(cities, ""), store_id=store_id)


def price_in_store(rules: RuleBook, product: Product, place: Place, at_ms: int) -> StorePrice:
    """Return what a product costs in the store of a place."""
    price_fen = rules.offer(product, place, at_ms=at_ms).price_fen
    bounds = product.own_price
    if bounds is None:
        return StorePrice(price_fen, None)
    hq_price_fen = rules.offer(product, Place(city_id=place.city_id), at_ms=at_ms).price_fen
    own = any(
        rule.scope is Scope.STORE
        and rule.scope_id == place.store_id
        and rule.window.contains(at_ms)
        and bounds.allow(rule.price_fen)
        for rule in rules.prices.get(product.id, ())
    )
    shown = price_fen if own else None
    return StorePrice(price_fen, OwnPrice(bounds.min_fen, bounds.max_fen, shown, hq_price_fen))


class StorePrices:
    """Sets the own prices of stores, and takes them back."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def put(
        self, store_id: str, product_id: str, price_fen: int | None, staff_id: str
    ) -> StorePrice:
        """Have a store ask `price_fen` from now on; with None, what the head office asks.

        Raises:
            NotFound: The store's brand has no such product.
            InvalidField: The price is not within the bounds.
        """
        await self._shop.cache.product(product_id)
        brand_id = self._shop.catalogue.brand_id("store", store_id)
        self._shop.catalogue.require_brand(brand_id, ("product", product_id))
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            if price_fen is not None:
                _check(connection, product_id, price_fen)
            before = _end(connection, store_id, product_id, at_ms)
            if before is None and price_fen is None:
                return
            if price_fen is not None:
                connection.execute(
                    insert(price_rules), _rule(brand_id, store_id, product_id, price_fen, at_ms)
                )
            announce_products(connection, [product_id], at_ms)
            was = {"store_id": store_id, "price_fen": before}
            now = {"store_id": store_id, "price_fen": price_fen}
            action = "own-price.edit" if price_fen is not None else "own-price.delete"
            record_audit(connection, brand_id, staff_id, action, product_id, was, now, at_ms)

        await self._shop.record.transact(work)
        await self._shop.cache.refresh()
        self._shop.on_commit()
        catalogue = self._shop.catalogue
        place = store_place(catalogue, store_id)
        return price_in_store(catalogue.rules, catalogue.product(product_id), place, at_ms)


def _check(connection: Connection, product_id: str, price_fen: int) -> None:
    lowest, highest = connection.execute(
        select(products.c.own_price_min_fen, products.c.own_price_max_fen).where(
            products.c.id == product_id
        )
    ).one()
    if lowest is None:
        raise InvalidField("price_fen", "The head office has given no bounds for this product.")
    if not lowest <= price_fen <= highest:
        raise InvalidField("price_fen", f"From {lowest} to {highest} fen.")


def _end(connection: Connection, store_id: str, product_id: str, at_ms: int) -> int | None:
    """End the rules of a store that hold now; return the price of the one that counted."""
    rules = price_rules.c
    now = (
        rules.product_id == product_id,
        rules.scope == Scope.STORE.value,
        rules.scope_id == store_id,
        rules.from_ms <= at_ms,
        or_(rules.until_ms.is_(None), rules.until_ms > at_ms),
    )
    newest = select(rules.price_fen).where(*now).order_by(rules.from_ms.desc()).limit(1)
    price_fen = connection.scalar(newest)
    connection.execute(delete(price_rules).where(*now))
    return price_fen


def _rule(
    brand_id: str, store_id: str, product_id: str, price_fen: int, at_ms: int
) -> dict[str, object]:
    return {
        "id": secrets.token_hex(ID_BYTES),
        "brand_id": brand_id,
        "product_id": product_id,
        "scope": Scope.STORE.value,
        "scope_id": store_id,
        "from_ms": at_ms,
        "until_ms": None,
        "price_fen": price_fen,
    }
