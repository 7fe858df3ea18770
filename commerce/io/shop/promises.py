"""When and where an estate's next order would be ready, as its neighbours see it before the tap."""

import asyncio
from dataclasses import dataclass

from commerce.catalogue.values import Text
from commerce.io.gate import keys
from commerce.io.gate.gates import Gates
from commerce.io.shop.context import ShopContext
from commerce.io.shop.routes import EstateRoute, Routes
from commerce.orders.presales import Presale, presale_of
from commerce.orders.promise import Fulfilment, first_slot, promise_of, read_slots, slot_item

KEPT_MS = 5_000


@dataclass(frozen=True, slots=True)
class StorePromise:
    """When an order of a store is ready, or at the door; no times where slots are not counted."""

    store_id: str
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PresalePromise:
    """What is promised of the goods of a presale; no store takes an order after the cut-off."""

    id: str
    name: Text
    product_ids: tuple[str, ...]
    cut_off_ms: int
    from_ms: int
    until_ms: int
    pickup: tuple[StorePromise, ...]
    delivery: tuple[StorePromise, ...]


@dataclass(frozen=True, slots=True)
class Promises:
    """Stores that would take an order, in the order in which the gate tries them.

    `presales` are goods that are ordered for a later hand-over, each in the presale that it is
    sold in now.
    """

    pickup: tuple[StorePromise, ...]
    delivery: tuple[StorePromise, ...]
    now_ms: int
    presales: tuple[PresalePromise, ...] = ()


class PromiseBoard:
    """Answers for an estate in a store's rooms; looks into the gate every few seconds at most."""

    def __init__(self, shop: ShopContext, gates: Gates, routes: Routes) -> None:
        self._shop = shop
        self._gates = gates
        self._routes = routes
        self._kept: dict[tuple[str, str], Promises] = {}
        self._turn = asyncio.Lock()

    async def of(self, room_id: str, estate_id: str) -> Promises:
        """Return what an estate is promised now.

        Raises:
            NotFound: There is no such room, or no such estate of its brand.
        """
        catalogue = self._shop.catalogue
        here = estate_id, catalogue.room(room_id).store_id
        catalogue.estate(estate_id)
        catalogue.require_one_brand(room_id, ("estate", estate_id))
        async with self._turn:
            at_ms = self._shop.clock()
            kept = self._kept.get(here)
            if kept is None or not 0 <= at_ms - kept.now_ms < KEPT_MS:
                kept = self._kept[here] = await self._look(room_id, estate_id, at_ms)
            return kept

    async def _look(self, room_id: str, estate_id: str, at_ms: int) -> Promises:
        presales = self._presales(room_id, at_ms)
        routes = {kind: self._routes.of(estate_id, kind) for kind in Fulfilment}
        waves = {
            (presale.id, kind): self._routes.of_presale(presale, estate_id, kind)
            for presale, _ in presales
            for kind in Fulfilment
        }
        wanted = sorted(
            {
                (slot, store_id)
                for route in (*routes.values(), *waves.values())
                for store_id, text in zip(route.stores, route.slots, strict=True)
                for slot, _ in read_slots(text)
            }
        )
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)
        rows = [keys.row(slot_item(name), store) for name, store in wanted]
        found = await self._gates.of(brand_id).free(rows)
        free = dict(zip(wanted, found, strict=True))
        promised = {kind: _promised(route, kind, free) for kind, route in routes.items()}
        later = tuple(
            PresalePromise(
                presale.id,
                presale.name,
                product_ids,
                presale.cut_off_ms,
                presale.ready_by_ms,
                presale.until_ms,
                *[
                    _handed_over(_promised(waves[presale.id, kind], kind, free), presale, kind)
                    for kind in (Fulfilment.PICKUP, Fulfilment.DELIVERY)
                ],
            )
            for presale, product_ids in presales
        )
        return Promises(promised[Fulfilment.PICKUP], promised[Fulfilment.DELIVERY], at_ms, later)

    def _presales(self, room_id: str, at_ms: int) -> list[tuple[Presale, tuple[str, ...]]]:
        """The presales of a room, each with the goods that are sold in it now."""
        known = self._shop.catalogue.presales_of_room(room_id)
        found: dict[str, tuple[str, ...]] = {}
        for product_id in dict.fromkeys(id for one in known for id in one.products):
            presale = presale_of(known, product_id, now_ms=at_ms)
            if presale:
                found[presale.id] = (*found.get(presale.id, ()), product_id)
        return [(one, found[one.id]) for one in known if one.id in found]


def _handed_over(
    stores: tuple[StorePromise, ...], presale: Presale, kind: Fulfilment
) -> tuple[StorePromise, ...]:
    span = presale.handover(kind)
    return tuple(StorePromise(store.store_id, span.from_ms, span.until_ms) for store in stores)


def _promised(
    route: EstateRoute, kind: Fulfilment, free: dict[tuple[str, str], int]
) -> tuple[StorePromise, ...]:
    found: dict[str, StorePromise] = {}
    for store_id, text in zip(route.stores, route.slots, strict=True):
        if store_id in found:
            continue
        if not text:
            found[store_id] = StorePromise(store_id)
            continue
        here = {slot: free[slot, store_id] for slot, _ in read_slots(text)}
        slot = first_slot(text, here)
        if slot:
            span = promise_of(slot, kind)
            found[store_id] = StorePromise(store_id, span.from_ms, span.until_ms)
    return tuple(found.values())
