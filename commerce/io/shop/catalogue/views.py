"""Products as buyers see them: what they cost where, and how many are left in which store."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection, select

from commerce.catalogue.offers import EstateOffer, place_of
from commerce.catalogue.rules import Place
from commerce.catalogue.sets import sets_left
from commerce.catalogue.values import Estate, Product
from commerce.io.record.schema import stock
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.views import ProductView, StoreStock


def stock_of(
    connection: Connection, catalogue: Catalogue, product_ids: Collection[str]
) -> dict[str, tuple[StoreStock, ...]]:
    """Where units of products are unsold; stores without any are left out.

    A store has as many of a set as its scarcest part makes. The items of sets are found, too.
    """
    sets = [
        product for id in product_ids if (product := catalogue.products.get(id)) if product.parts
    ]
    items = set(product_ids).union(part.item_id for product in sets for part in product.parts)
    left = (stock.c.on_hand - stock.c.sold).label("left")
    rows = connection.execute(
        select(stock.c.product_id, stock.c.store_id, left)
        .where(stock.c.product_id.in_(items), left > 0)
        .order_by(stock.c.product_id, stock.c.store_id)
    )
    found: dict[str, tuple[StoreStock, ...]] = {}
    free: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for product_id, store_id, units in rows:
        found[product_id] = (*found.get(product_id, ()), StoreStock(store_id, units))
        free[store_id][product_id] = units
    for product in sets:
        made = [(store_id, sets_left(product.parts, free[store_id])) for store_id in sorted(free)]
        found[product.id] = tuple(StoreStock(store, units) for store, units in made if units)
    return found


def family_view(
    catalogue: Catalogue,
    product: Product,
    stores: Mapping[str, tuple[StoreStock, ...]],
    room_id: str,
    at_ms: int,
    estate: Estate | None = None,
) -> ProductView:
    """A product with its variants as buyers in a room see them; `stores` by product."""
    shown = [product, *(catalogue.product(id) for id in catalogue.variants.get(product.id, ()))]
    head, *variants = (
        product_view(catalogue, each, stores.get(each.id, ()), room_id, at_ms, estate)
        for each in shown
    )
    return replace(head, variants=tuple(variants)) if variants else head


def product_view(
    catalogue: Catalogue,
    product: Product,
    stores: tuple[StoreStock, ...],
    room_id: str,
    at_ms: int,
    estate: Estate | None = None,
) -> ProductView:
    """A product as buyers in a room see it; with `estate`, as that one is offered it."""
    rules = catalogue.rules
    place = place_of(estate, room_id) if estate else Place(room_id=room_id)
    offer = rules.offer(product, place, at_ms=at_ms)
    brand = catalogue.brand_of("room", room_id)
    members = brand is not None and brand.member_prices
    offers: tuple[EstateOffer, ...] = ()
    if estate is None:
        offers = rules.differing(
            product, catalogue.estates.values(), room_id, at_ms=at_ms, members=members
        )
    return ProductView(
        id=product.id,
        name=product.name,
        unit=product.unit,
        image=product.image,
        price_fen=offer.price_fen,
        list_price_fen=max(product.list_price_fen, offer.price_fen),
        left=sum(store.left for store in stores),
        group=product.group,
        stores=stores,
        offered=offer.offered,
        offers=offers,
        kind=product.kind,
        member_fen=rules.member_fen(product, place, at_ms=at_ms) if members else None,
        option=product.option,
    )
