"""A worker's copy of the catalogue, and what it answers about products on sale."""

import asyncio
from collections.abc import Callable

from commerce.catalogue.categories import path_text
from commerce.catalogue.food import in_order
from commerce.catalogue.sets import split
from commerce.catalogue.values import Product
from commerce.errors import NotFound
from commerce.io.record.categories import read_categories
from commerce.io.record.engine import Record
from commerce.io.record.food import read_food
from commerce.io.record.rule_book import read_version
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.catalogue.load import catalogue_in
from commerce.io.shop.catalogue.views import family_view, product_view, stock_of
from commerce.orders.order import Entry
from commerce.views import PartView, ProductDetail, ProductView


class CatalogueCache:
    """This worker's copy of the catalogue, and how many units are left of it in the record."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._turn = asyncio.Lock()
        self.catalogue = Catalogue()

    async def refresh(self) -> None:
        """Read the catalogue again."""
        await self._read(lambda: Catalogue(rules=self.catalogue.rules))

    async def refresh_changed(self) -> None:
        """Read it again, but products and rules only if they have changed."""
        await self._read(lambda: self.catalogue)

    async def _read(self, known: Callable[[], Catalogue]) -> None:
        # One after the other: an older snapshot never replaces a newer one.
        async with self._turn:
            now = known()
            self.catalogue = await self._record.query(
                lambda connection: catalogue_in(connection, now)
            )

    async def refresh_goods(self) -> None:
        """Read the catalogue again if products or rules changed since."""
        async with self._record.read() as connection:
            if await read_version(connection) == self.catalogue.rules.version:
                return
        await self.refresh()

    async def knows(self, entry: Entry) -> bool:
        """Whether everything that a stream entry names exists, in a fresh copy if need be."""
        if self.catalogue.names(entry):
            return True
        await self.refresh()
        return self.catalogue.names(entry)

    async def product(self, product_id: str) -> Product:
        """The product, in a fresh copy if this one does not have it yet, or `NotFound`."""
        if product_id not in self.catalogue.products:
            await self.refresh()
        return self.catalogue.product(product_id)

    async def products(self, room_id: str, estate_id: str, at_ms: int) -> list[ProductView]:
        """What a room sells, in the order of the shelf: to an estate, or to all if that is "".

        Variants are those of their products.

        Raises:
            NotFound: There is no such room or estate.
        """
        catalogue = self.catalogue
        catalogue.room(room_id)
        estate = catalogue.estate(estate_id) if estate_id else None
        if estate:
            catalogue.require_one_brand(room_id, ("estate", estate_id))
        brand_id = catalogue.brand_id("room", room_id)
        on_sale = [
            product
            for product in catalogue.products.values()
            if product.on_sale
            and not product.variant_of
            and catalogue.brand_id("product", product.id) == brand_id
        ]
        async with self._record.read() as connection:
            ids = catalogue.with_variants([product.id for product in on_sale])
            stores = await connection.run_sync(stock_of, catalogue, ids)
        views = [
            family_view(catalogue, product, stores, room_id, at_ms, estate) for product in on_sale
        ]
        return [
            view
            for view in views
            if any(each.offered or each.offers for each in (view, *view.variants))
        ]

    async def detail(
        self, room_id: str, product_id: str, estate_id: str, at_ms: int
    ) -> ProductDetail:
        """One product as a room sells it: to an estate, or to all if that is "".

        Raises:
            NotFound: There is no such room, estate or product on sale.
        """
        catalogue = self.catalogue
        catalogue.room(room_id)
        estate = catalogue.estate(estate_id) if estate_id else None
        product = catalogue.product(product_id)
        shown_to = [("estate", estate_id)] if estate else []
        catalogue.require_one_brand(room_id, ("product", product_id), *shown_to)
        items = [catalogue.product(part.item_id) for part in product.parts]
        ids = [product_id, *(item.id for item in items)]
        async with self._record.read() as connection:
            stores = await connection.run_sync(stock_of, catalogue, ids)
            food = await connection.run_sync(read_food, ids)
            known = await connection.run_sync(
                read_categories, catalogue.brand_id("product", product_id)
            )

        def view(shown: Product) -> ProductView:
            left = stores.get(shown.id, ())
            return product_view(catalogue, shown, left, room_id, at_ms, estate)

        seen = view(product)
        if not product.on_sale or not (seen.offered or seen.offers):
            raise NotFound("product", product_id)
        shares = split(seen.price_fen, [part.share_bp for part in product.parts] or [1])
        parts = []
        for part, item, share_fen in zip(product.parts, items, shares, strict=False):
            alone = view(item)
            parts.append(
                PartView(
                    product_id=item.id,
                    name=item.name,
                    unit=item.unit,
                    image=item.image,
                    role=part.role,
                    units=part.units,
                    alone_fen=alone.price_fen * part.units,
                    share_fen=share_fen,
                    left=alone.left,
                    stores=alone.stores,
                )
            )
        return ProductDetail(
            seen,
            tuple(parts),
            product.recipe,
            product.cooking_minutes,
            food[product_id],
            in_order(allergen for one in food.values() for allergen in one.allergens),
            path_text(known, product.category_id),
        )
