"""Why a product costs what it costs at a place, and what each estate is offered."""

from dataclasses import dataclass

from commerce.catalogue.assortment import AssortmentStep, resolve_assortment
from commerce.catalogue.offers import place_of
from commerce.catalogue.pricing import PriceStep, resolve_price
from commerce.catalogue.rules import Place
from commerce.catalogue.values import Product, Text
from commerce.io.shop.context import ShopContext


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a place is offered at a time, and every rule that concerns it, widest first."""

    at_ms: int
    offered: bool
    price_fen: int
    prices: tuple[PriceStep, ...]
    assortment: tuple[AssortmentStep, ...]


@dataclass(frozen=True, slots=True)
class EstatePrice:
    """What an estate is offered now."""

    id: str
    name: Text
    city_name: Text | None
    price_fen: int
    offered: bool


class Explanations:
    """Answers for products of a brand, as this worker knows them now."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def why(
        self, brand_id: str, product_id: str, estate_id: str, room_id: str, at_ms: int | None
    ) -> Explanation:
        """Explain an offer; an empty estate stands for those without rules of their own.

        Raises:
            NotFound: The brand has no such product, estate or room.
        """
        product = await self._product(brand_id, product_id)
        catalogue = self._shop.catalogue
        if room_id:
            catalogue.room(room_id)
        estate = catalogue.estate(estate_id) if estate_id else None
        place = place_of(estate, room_id) if estate else Place(room_id=room_id)
        at_ms = self._shop.clock() if at_ms is None else at_ms
        price = resolve_price(
            product.id,
            product.price_fen,
            product.own_price,
            catalogue.rules.prices.get(product.id, ()),
            place,
            at_ms=at_ms,
        )
        assortment = resolve_assortment(
            product.on_sale,
            catalogue.rules.assortment.get(product.id, ()),
            place,
            at_ms=at_ms,
        )
        return Explanation(
            at_ms, assortment.offered, price.price_fen, price.trace, assortment.trace
        )

    async def by_estate(self, brand_id: str, product_id: str) -> list[EstatePrice]:
        """Return what every estate is offered now.

        Raises:
            NotFound: The brand has no such product.
        """
        product = await self._product(brand_id, product_id)
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        found = []
        for estate in catalogue.estates.values():
            if catalogue.brand_id("estate", estate.id) != brand_id:
                continue
            offer = catalogue.rules.offer(product, place_of(estate), at_ms=at_ms)
            city = catalogue.cities.get(estate.city_id)
            name = city.name if city else None
            found.append(EstatePrice(estate.id, estate.name, name, offer.price_fen, offer.offered))
        return found

    async def _product(self, brand_id: str, product_id: str) -> Product:
        product = await self._shop.cache.product(product_id)
        self._shop.catalogue.require_brand(brand_id, ("product", product_id))
        return product
