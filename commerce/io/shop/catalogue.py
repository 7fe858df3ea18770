"""The catalogue: brand, stores, estates, rooms, products; read in one go, kept by every worker."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.categories import path_text
from commerce.catalogue.food import in_order
from commerce.catalogue.offers import EstateOffer, RuleBook, place_of
from commerce.catalogue.rules import Place
from commerce.catalogue.sets import sets_left, split
from commerce.catalogue.values import Brand, City, Coordinates, Estate, Product, Room, Store, Text
from commerce.errors import NotFound
from commerce.io.record.categories import read_categories
from commerce.io.record.engine import Record
from commerce.io.record.food import read_food
from commerce.io.record.presales import read_presales
from commerce.io.record.recipes import current_recipes
from commerce.io.record.rows import PRODUCTS, estate_of, product_of
from commerce.io.record.rule_book import read_version, rule_book_in, version_in
from commerce.io.record.schema import (
    brands,
    cities,
    estate_stores,
    estates,
    products,
    rooms,
    stock,
    stores,
)
from commerce.orders.order import Entry
from commerce.orders.presales import Presale, presale_of_order
from commerce.orders.routing import candidates
from commerce.views import PartView, ProductDetail, ProductView, StoreStock

T = TypeVar("T")
Goods = tuple[int, int, int]  # version of the rules, products, sum of their versions


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything by id, in the order of the shelf; `routes` are candidate stores by estate.

    `gates` are names of gates by brand, `owners` brands by store, estate and product, `variants`
    those on sale by their product, `rehearsals` the rooms that rehearse.
    """

    brands: dict[str, Brand] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    cities: dict[str, City] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    variants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    routes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rehearsals: frozenset[str] = frozenset()
    rules: RuleBook = field(default_factory=RuleBook)
    goods: Goods = (-1, 0, 0)
    presales: tuple[Presale, ...] = ()

    @property
    def only_brand(self) -> Brand | None:
        """The brand of an installation that has one; None if it has several."""
        return next(iter(self.brands.values())) if len(self.brands) == 1 else None

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

    def brand_id(self, kind: str, id: str) -> str:
        """The brand of a store, estate, room or product, "" for what there is not."""
        if kind == "room":
            room = self.rooms.get(id)
            kind, id = "store", room.store_id if room else ""
        return self.owners.get((kind, id), "")

    def brand_of(self, kind: str, id: str) -> Brand | None:
        """The same as a whole."""
        return self.brands.get(self.brand_id(kind, id))

    def require_one_brand(self, room_id: str, *others: tuple[str, str]) -> None:
        """Refuse what another brand than the room's has; to this one it does not exist.

        Raises:
            NotFound: One of `others` (kind, id) is another brand's.
        """
        self.require_brand(self.brand_id("room", room_id), *others)

    def require_brand(self, own: str, *others: tuple[str, str]) -> None:
        """Refuse what another brand than `own` has; to this one it does not exist.

        Raises:
            NotFound: One of `others` (kind, id) is another brand's.
        """
        for kind, id in others:
            if self.owners.get((kind, id), own) != own:
                raise NotFound(kind, id)

    def presale_of_order(
        self, brand_id: str, product_ids: Iterable[str], *, now_ms: int
    ) -> Presale | None:
        """The presale of an order, None if it is taken from the shelf.

        Raises:
            Refused: Its goods are not handed over together.
        """
        known = [one for one in self.presales if one.brand_id == brand_id]
        return presale_of_order(known, product_ids, now_ms=now_ms) if known else None

    def presale_at(self, store_id: str, slot: str) -> Presale | None:
        """The presale whose wave has that slot in a store."""
        brand_id = self.brand_id("store", store_id)
        found = (one for one in self.presales if one.brand_id == brand_id and one.slot == slot)
        return next(found, None)

    def names(self, entry: Entry) -> bool:
        """Whether everything that a stream entry names exists."""
        return (
            all(id in self.products for id, _ in (*entry.bought, *entry.needs))
            and entry.store_id in self.stores
            and entry.estate_id in self.estates
            and entry.room_id in self.rooms
        )

    def sets_of(self, item_ids: Collection[str]) -> set[str]:
        """The sets that items are part of."""
        return {
            product.id
            for product in self.products.values()
            if any(part.item_id in item_ids for part in product.parts)
        }

    def families_of(self, product_ids: Collection[str]) -> set[str]:
        """Products with those whose cards they are offered on."""
        found = (self.products.get(id) for id in product_ids)
        return {*product_ids, *(one.variant_of for one in found if one and one.variant_of)}

    def with_variants(self, product_ids: Collection[str]) -> list[str]:
        """Products with all that is offered on their cards."""
        return [each for id in product_ids for each in (id, *self.variants.get(id, ()))]

    def estates_of(self, room_id: str) -> tuple[Estate, ...]:
        """Estates that a room sells to: all of the brand's, those of its own store first."""
        store_id = self.room(room_id).store_id
        brand_id = self.brand_id("room", room_id)
        own = [
            estate
            for estate in self.estates.values()
            if self.brand_id("estate", estate.id) == brand_id
        ]
        return tuple(sorted(own, key=lambda estate: estate.store_id != store_id))


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


def _found(things: dict[str, T], kind: str, id: str) -> T:
    thing = things.get(id)
    if thing is None:
        raise NotFound(kind, id)
    return thing


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
