"""What lies in a store, by product and lot, as its staff sees it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from commerce.catalogue.values import Product, Text
from commerce.io.record.schema import stock
from commerce.io.record.schema_stock import balances, lots, stock_transfers
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.stock.prices import OwnPrice, price_in_store, store_place
from commerce.supply.lots import LocationKind, location_id

PRODUCTS_MAX = 500  # in one answer
LOTS_MAX = 50  # of one product


@dataclass(frozen=True, slots=True)
class LotView:
    """Units of a lot that may still be sold, first expired first."""

    id: str
    units: int
    best_before_ms: int | None
    supplier: str
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class StockView:
    """A product in a store: on hand = held (by open orders) + available; `coming` is in transit.

    `price_fen` is what it costs there, `own_price` what the store may make of that.
    """

    product_id: str
    name: Text
    unit: Text
    image: str
    price_fen: int
    on_hand: int
    held: int
    available: int
    coming: int
    lots: tuple[LotView, ...]
    own_price: OwnPrice | None


@dataclass(frozen=True, slots=True)
class StockList:
    """Products of a store, of `total` that were found."""

    products: list[StockView]
    total: int
    now_ms: int


def matching(catalogue: Catalogue, brand_id: str, words: str) -> list[Product]:
    """Return items of a brand whose id or name contains `words`, in the order of the shelf.

    A set has no stock of its own: its parts have.
    """
    wanted = words.strip().casefold()
    return [
        product
        for product in catalogue.products.values()
        if not product.parts
        and catalogue.brand_id("product", product.id) == brand_id
        and any(
            wanted in name.casefold() for name in (product.id, product.name.zh, product.name.en)
        )
    ]


def stock_list(
    connection: Connection,
    catalogue: Catalogue,
    store_id: str,
    products: Collection[Product],
    now_ms: int,
) -> StockList:
    """Read products of a store; those that lie or lay there come first."""
    ids = {product.id for product in products}
    counts = {
        product_id: (on_hand, sold)
        for product_id, on_hand, sold in connection.execute(
            select(stock.c.product_id, stock.c.on_hand, stock.c.sold).where(
                stock.c.store_id == store_id
            )
        )
        if product_id in ids
    }
    shown = sorted(products, key=lambda product: product.id not in counts)[:PRODUCTS_MAX]
    found = _lots(connection, store_id, {product.id for product in shown})
    coming = _coming(connection, store_id)
    place = store_place(catalogue, store_id)
    views = []
    for product in shown:
        price = price_in_store(catalogue.rules, product, place, now_ms)
        on_hand, held = counts.get(product.id, (0, 0))
        views.append(
            StockView(
                product.id,
                product.name,
                product.unit,
                product.image,
                price.price_fen,
                on_hand,
                held,
                on_hand - held,
                coming.get(product.id, 0),
                tuple(found.get(product.id, ())[:LOTS_MAX]),
                price.own,
            )
        )
    return StockList(views, len(products), now_ms)


def _coming(connection: Connection, store_id: str) -> dict[str, int]:
    rows = connection.execute(
        select(stock_transfers.c.product_id, func.sum(stock_transfers.c.units))
        .where(
            stock_transfers.c.to_store_id == store_id, stock_transfers.c.received_at_ms.is_(None)
        )
        .group_by(stock_transfers.c.product_id)
    )
    return {product_id: int(units) for product_id, units in rows}


def _lots(
    connection: Connection, store_id: str, product_ids: Collection[str]
) -> dict[str, list[LotView]]:
    rows = connection.execute(
        select(
            balances.c.product_id,
            balances.c.lot_id,
            balances.c.units,
            lots.c.best_before_ms,
            lots.c.supplier,
            lots.c.received_at_ms,
        )
        .join(lots, lots.c.id == balances.c.lot_id)
        .where(
            balances.c.location_id == location_id(LocationKind.SHOP, store_id),
            balances.c.product_id.in_(product_ids),
            balances.c.units > 0,
        )
        .order_by(
            lots.c.best_before_ms.is_(None),
            lots.c.best_before_ms,
            lots.c.received_at_ms,
            lots.c.id,
        )
    )
    found: dict[str, list[LotView]] = {}
    for product_id, *lot in rows:
        found.setdefault(product_id, []).append(LotView(*lot))
    return found
