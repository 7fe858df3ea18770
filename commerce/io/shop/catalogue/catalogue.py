"""The catalogue as a value: brand, stores, estates, rooms and products by id."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.values import Brand, City, Estate, Product, Room, Store
from commerce.errors import NotFound
from commerce.orders.order import Entry
from commerce.orders.presales import Presale, presale_of_order

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

    def presales_of_room(self, room_id: str) -> list[Presale]:
        """The presales whose goods are ordered in a room."""
        brand_id, store_id = self.brand_id("room", room_id), self.room(room_id).store_id
        return [one for one in self.presales if one.brand_id == brand_id and one.is_for(store_id)]

    def presale_of_order(
        self, room_id: str, product_ids: Iterable[str], *, now_ms: int
    ) -> Presale | None:
        """The presale of an order in a room, None if it is taken from the shelf.

        Raises:
            Refused: Its goods are not handed over together.
        """
        known = self.presales_of_room(room_id) if self.presales else []
        return presale_of_order(known, product_ids, now_ms=now_ms) if known else None

    def presale_at(self, store_id: str, slot: str) -> Presale | None:
        """The presale whose wave has that slot in a store."""
        brand_id = self.brand_id("store", store_id)
        found = (
            one
            for one in self.presales
            if one.brand_id == brand_id and one.slot == slot and one.is_for(store_id)
        )
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


def _found(things: dict[str, T], kind: str, id: str) -> T:
    thing = things.get(id)
    if thing is None:
        raise NotFound(kind, id)
    return thing
