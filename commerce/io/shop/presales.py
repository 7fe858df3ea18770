"""Presales: opened, cut off and cancelled. Their waves are slots of stores."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, insert, or_, select, update

from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.order_postings import set_slots
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.presales import presale_of_row
from commerce.io.record.schema import brands
from commerce.io.record.schema_presales import presales
from commerce.io.record.schema_slots import slots
from commerce.io.record.slots import SlotPlan
from commerce.io.shop.context import ShopContext
from commerce.io.shop.routes import packing_store
from commerce.orders.presales import (
    ORDERS_MAX,
    OWN_MAX,
    NewPresale,
    Presale,
    check,
    check_capacities,
    wave_capacity,
)

LISTED_MAX = 50


@dataclass(frozen=True, slots=True)
class StorePlaces:
    """How many orders a store packs in a wave (null: no matter how many), and how many it has.

    A store that has `cancelled` it has those that are not paid back yet, or were handed over.
    """

    store_id: str
    name: Text
    capacity: int | None
    taken: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class PresaleView:
    """A presale as the head office sees it."""

    id: str
    name: Text
    product_ids: tuple[str, ...]
    cut_off_ms: int
    ready_by_ms: int
    until_ms: int
    stores: tuple[StorePlaces, ...]
    store_id: str | None  # the store whose own it is


class Presales:
    """The presales of all brands."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def open(
        self, brand_id: str, staff_id: str, new: NewPresale, store_id: str = ""
    ) -> PresaleView:
        """Open a presale: from now on its goods are ordered for its hand-over only.

        With a `store_id` it is that store's own: for orders in its rooms, and it packs them all.

        Raises:
            InvalidField: Something cannot be, a product is in another presale already, or the
                store has as many of its own as it may.
        """
        at_ms, id = self._shop.clock(), self._new_id()
        check(new, now_ms=at_ms)
        capacities = self._capacities(brand_id, new)
        if store_id:
            capacities = {store_id: capacities[store_id]}
        self._check_products(brand_id, new.products)
        made = Presale(
            id,
            brand_id,
            new.name,
            new.products,
            new.cut_off_ms,
            new.ready_by_ms,
            new.until_ms,
            capacities,
            store_id=store_id,
        )

        def write(connection: Connection) -> None:
            # Of two that are opened at once, the second one sees the first.
            one = select(brands.c.id).where(brands.c.id == brand_id)
            connection.execute(one.with_for_update(key_share=True))
            _check_free(connection, made, at_ms)
            if store_id:
                _check_own(connection, store_id, at_ms)
            row = {
                "id": id,
                "brand_id": brand_id,
                "name_zh": new.name.zh,
                "name_en": new.name.en,
                "products": list(new.products),
                "capacities": capacities,
                "cut_off_ms": new.cut_off_ms,
                "ready_by_ms": new.ready_by_ms,
                "until_ms": new.until_ms,
                "made_at_ms": at_ms,
                "store_id": store_id or None,
            }
            connection.execute(insert(presales), row)
            set_slots(connection, _plans(made, capacities), at_ms)
            enqueue(connection, Topic.PLACE, [brand_id], at_ms)
            record_audit(connection, brand_id, staff_id, "presale.open", id, None, row, at_ms)

        await self._shop.record.transact(write)
        return await self._changed(brand_id, id)

    async def close(self, brand_id: str, staff_id: str, presale_id: str) -> PresaleView:
        """Take no more orders; those that are taken are packed and handed over. Idempotent.

        Raises:
            NotFound: The brand has no such presale.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            presale = _find(connection, brand_id, presale_id)
            if not presale.is_open(at_ms):
                return
            which = presales.c.id == presale_id
            connection.execute(update(presales).where(which).values(cut_off_ms=at_ms))
            enqueue(connection, Topic.PLACE, [brand_id], at_ms)
            before, after = ({"cut_off_ms": at} for at in (presale.cut_off_ms, at_ms))
            what = ("presale.close", presale_id, before, after, at_ms)
            record_audit(connection, brand_id, staff_id, *what)

        await self._shop.record.transact(write)
        return await self._changed(brand_id, presale_id)

    async def cancel(
        self, brand_id: str, staff_id: str, presale_id: str, store_ids: Collection[str] = ()
    ) -> PresaleView:
        """End it for some of its stores, else for all: no more orders, and all money goes back.

        Orders that have left the store stay; `PresaleCancels` ends the others. Idempotent.

        Raises:
            NotFound: The brand has no such presale, or a store no part in it.
            InvalidField: It is over.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            presale = _find(connection, brand_id, presale_id)
            for id in store_ids:
                if id not in presale.capacities:
                    raise NotFound("store", id)
            named = frozenset(store_ids or presale.capacities)
            if named <= presale.cancelled:
                return
            if at_ms >= presale.until_ms:
                raise InvalidField("presale", "It is over.")
            cancelled = sorted(named | presale.cancelled)
            after: dict[str, object] = {"cancelled": cancelled}
            if set(presale.capacities) <= set(cancelled) and presale.is_open(at_ms):
                after["cut_off_ms"] = at_ms
            which = presales.c.id == presale_id
            connection.execute(update(presales).where(which).values(cancelled_at_ms=at_ms, **after))
            enqueue(connection, Topic.PLACE, [brand_id], at_ms)
            before = {"cut_off_ms": presale.cut_off_ms, "cancelled": sorted(presale.cancelled)}
            before = {name: before[name] for name in after}
            what = ("presale.cancel", presale_id, before, after, at_ms)
            record_audit(connection, brand_id, staff_id, *what)

        await self._shop.record.transact(write)
        return await self._changed(brand_id, presale_id)

    async def set_capacities(
        self, brand_id: str, staff_id: str, presale_id: str, capacities: Mapping[str, int]
    ) -> PresaleView:
        """Set how many orders some stores pack in the wave, never fewer than they have.

        Raises:
            NotFound: The brand has no such presale.
            InvalidField: A store is not the brand's, or cannot pack that many.
        """
        at_ms = self._shop.clock()
        check_capacities(capacities)
        self._check_stores(brand_id, capacities)

        def write(connection: Connection) -> None:
            presale = _find(connection, brand_id, presale_id)
            after = {**presale.capacities, **capacities}
            which = presales.c.id == presale_id
            connection.execute(update(presales).where(which).values(capacities=after))
            set_slots(connection, _plans(presale, capacities), at_ms)
            enqueue(connection, Topic.PLACE, [brand_id], at_ms)
            what = ("presale.capacities", presale_id, dict(presale.capacities), after, at_ms)
            record_audit(connection, brand_id, staff_id, *what)

        await self._shop.record.transact(write)
        return await self._changed(brand_id, presale_id)

    async def listed(self, brand_id: str) -> list[PresaleView]:
        """The presales of a brand, those that are handed over last first."""
        return await self._shop.record.query(lambda connection: self._views(connection, brand_id))

    async def of_store(self, store_id: str) -> list[PresaleView]:
        """The presales in which a store takes orders, each as far as it is that store's.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        brand_id = self._shop.catalogue.brand_id("store", store_id)
        views = await self._shop.record.query(
            lambda connection: self._views(connection, brand_id, store_id)
        )
        mine = (
            (view, tuple(one for one in view.stores if one.store_id == store_id)) for view in views
        )
        return [replace(view, stores=stores) for view, stores in mine if stores]

    async def _changed(self, brand_id: str, presale_id: str) -> PresaleView:
        await self._shop.cache.refresh_changed()
        self._shop.on_commit()
        views = await self._shop.record.query(
            lambda connection: self._views(connection, brand_id, presale_id=presale_id)
        )
        return views[0]

    def _views(
        self, connection: Connection, brand_id: str, store_id: str = "", presale_id: str = ""
    ) -> list[PresaleView]:
        """A brand's presales, or one; of a store, its own and those that are for all stores."""
        newest = select(presales).where(presales.c.brand_id == brand_id)
        if presale_id:
            newest = newest.where(presales.c.id == presale_id)
        if store_id:
            own = presales.c.store_id == store_id
            newest = newest.where(or_(presales.c.store_id.is_(None), own))
        rows = connection.execute(
            newest.order_by(presales.c.until_ms.desc(), presales.c.id).limit(LISTED_MAX)
        )
        known = [presale_of_row(row) for row in rows.mappings()]
        names = {presale.slot for presale in known}
        places = {
            (store, name): (capacity, taken)
            for store, name, capacity, taken in connection.execute(
                select(slots.c.store_id, slots.c.name, slots.c.capacity, slots.c.taken).where(
                    slots.c.name.in_(names)
                )
            )
        }
        return [self._view(presale, places) for presale in known]

    def _view(
        self, presale: Presale, places: Mapping[tuple[str, str], tuple[int, int]]
    ) -> PresaleView:
        stores = []
        for store_id in presale.capacities:
            capacity, taken = places.get((store_id, presale.slot), (0, 0))
            store = self._shop.catalogue.store(store_id)
            limit = None if capacity >= ORDERS_MAX else capacity
            cancelled = store_id in presale.cancelled
            stores.append(StorePlaces(store_id, store.name, limit, taken, cancelled))
        return PresaleView(
            presale.id,
            presale.name,
            presale.products,
            presale.cut_off_ms,
            presale.ready_by_ms,
            presale.until_ms,
            tuple(stores),
            presale.store_id or None,
        )

    def _capacities(self, brand_id: str, new: NewPresale) -> dict[str, int]:
        """How many orders each store of the brand packs: as was asked, or as its hands can."""
        self._check_stores(brand_id, new.capacities)
        catalogue = self._shop.catalogue
        return {
            id: new.capacities.get(
                id, wave_capacity(packing_store(store), new.cut_off_ms, new.ready_by_ms)
            )
            for id, store in catalogue.stores.items()
            if catalogue.brand_id("store", id) == brand_id
        }

    def _check_stores(self, brand_id: str, capacities: Mapping[str, int]) -> None:
        catalogue = self._shop.catalogue
        for id in capacities:
            if id not in catalogue.stores or catalogue.brand_id("store", id) != brand_id:
                raise InvalidField("capacities", f"There is no {id}.")

    def _check_products(self, brand_id: str, ids: tuple[str, ...]) -> None:
        catalogue = self._shop.catalogue
        for id in ids:
            if id not in catalogue.products or catalogue.brand_id("product", id) != brand_id:
                raise InvalidField("product_ids", f"There is no {id}.")


def _plans(presale: Presale, capacities: Mapping[str, int]) -> list[SlotPlan]:
    span = presale.cut_off_ms, presale.ready_by_ms
    return [SlotPlan(store, presale.slot, *span, orders) for store, orders in capacities.items()]


def _check_free(connection: Connection, made: Presale, at_ms: int) -> None:
    """Check that the goods are in no other presale that takes orders, and the wave in none."""
    rows = connection.execute(
        select(presales).where(presales.c.brand_id == made.brand_id, presales.c.ready_by_ms > at_ms)
    )
    for other in map(presale_of_row, rows.mappings()):
        if other.store_id and made.store_id not in ("", other.store_id):
            continue
        if other.ready_by_ms == made.ready_by_ms:
            raise InvalidField("ready_by_ms", "Another presale is ready by then.")
        both = set(other.products) & set(made.products)
        if both and other.is_open(at_ms):
            raise InvalidField("product_ids", f"In another presale: {', '.join(sorted(both))}.")


def _check_own(connection: Connection, store_id: str, at_ms: int) -> None:
    count = connection.scalar(
        select(func.count()).where(presales.c.store_id == store_id, presales.c.until_ms > at_ms)
    )
    if count and count >= OWN_MAX:
        raise InvalidField("presales", f"{OWN_MAX} of a store's own at a time")


def _find(connection: Connection, brand_id: str, presale_id: str) -> Presale:
    which = presales.c.id == presale_id, presales.c.brand_id == brand_id
    row = connection.execute(select(presales).where(*which).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("presale", presale_id)
    return presale_of_row(row)
