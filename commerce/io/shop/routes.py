"""The candidates of taps, by estate: kept for seconds, since they depend on the time of day."""

from dataclasses import dataclass

from commerce.catalogue.values import Store
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.orders.order import OrderRow
from commerce.orders.presales import Presale, places_of, presale_route
from commerce.orders.promise import (
    WAVE,
    Fulfilment,
    PackingStore,
    RuledOut,
    RuledOutBy,
    capacity,
    encode_ruled_out,
    route,
)
from commerce.orders.routing import beyond_reach

KEPT_MS = 5_000
TOO_FAR_MAX = 3  # stores that are named as too far, the nearest of them


@dataclass(frozen=True, slots=True)
class EstateRoute:
    """A route as the gate gets it; see `Route`."""

    stores: tuple[str, ...]
    slots: tuple[str, ...]
    ruled_out: str


NOWHERE = EstateRoute((), (), "")


def packing_store(store: Store) -> PackingStore:
    """Return what routing knows of a store."""
    return PackingStore(
        store.id,
        store.opening_hours,
        capacity(store.packers, store.orders_per_packer_hour),
        store.closed_until_ms,
        store.delivers,
    )


class Routes:
    """Says where taps may go."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop
        self._kept: dict[tuple[str, Fulfilment], EstateRoute] = {}
        self._kept_for: tuple[int, Catalogue] = (0, shop.catalogue)

    def of(self, estate_id: str, fulfilment: Fulfilment) -> EstateRoute:
        """Return the route of an estate's taps."""
        at_ms, catalogue = self._shop.clock(), self._shop.catalogue
        # Another catalogue has other stores, hours and packers. It is kept, as an id comes again.
        since, known = self._kept_for
        if since != at_ms // KEPT_MS or known is not catalogue:
            self._kept, self._kept_for = {}, (at_ms // KEPT_MS, catalogue)
        found = self._kept.get((estate_id, fulfilment))
        if found is None:
            found = self._kept[estate_id, fulfilment] = self._route(estate_id, fulfilment, at_ms)
        return found

    def of_presale(self, presale: Presale, estate_id: str, fulfilment: Fulfilment) -> EstateRoute:
        """Return the route of an estate's taps on goods of a presale: none after its cut-off."""
        catalogue = self._shop.catalogue
        stores = [packing_store(catalogue.stores[id]) for id in catalogue.routes[estate_id]]
        found = presale_route(presale, stores, fulfilment, now_ms=self._shop.clock())
        return EstateRoute(found.stores, found.slots, encode_ruled_out(found.ruled_out))

    def _route(self, estate_id: str, fulfilment: Fulfilment, at_ms: int) -> EstateRoute:
        catalogue = self._shop.catalogue
        stores = [packing_store(catalogue.stores[id]) for id in catalogue.routes[estate_id]]
        found = route(stores, fulfilment, now_ms=at_ms)
        brand_id = catalogue.brand_id("estate", estate_id)
        others = [
            store
            for store in catalogue.stores.values()
            if catalogue.brand_id("store", store.id) == brand_id
        ]
        away = beyond_reach(catalogue.estates[estate_id], others)[:TOO_FAR_MAX]
        far = [RuledOut(id, RuledOutBy.TOO_FAR, f"{away_m // 1_000}km") for id, away_m in away]
        return EstateRoute(found.stores, found.slots, encode_ruled_out([*found.ruled_out, *far]))

    def of_order(self, order: OrderRow) -> list[tuple[str, str]]:
        """Return the stores that may take an order over now, best first, each with its slots."""
        if not order.slot.startswith(WAVE):
            found = self.of(order.estate_id, order.fulfilment)
            return list(zip(found.stores, found.slots, strict=True))
        catalogue = self._shop.catalogue
        near = [packing_store(catalogue.stores[id]) for id in catalogue.routes[order.estate_id]]
        presale = catalogue.presale_at(order.store_id, order.slot)
        if presale is None:
            return []
        wave = places_of(presale, near, order.fulfilment, now_ms=self._shop.clock())
        return list(zip(wave.stores, wave.slots, strict=True))
