"""What a store packs overnight for presales: sums for the whole wave, and batches by the hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_

from commerce.catalogue.values import Text
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.packing.waves import PickItem, pick_items, zones_of
from commerce.io.shop.routes import packing_store
from commerce.orders.order import OrderRow
from commerce.orders.picking import bag_order
from commerce.orders.presales import Batch, Presale, packing_windows, plan_batches
from commerce.orders.states import OrderState

TO_PACK = (OrderState.NEW, OrderState.PICKING)
PACKED = (
    OrderState.PACKED,
    OrderState.READY,
    OrderState.OUT,
    OrderState.HANDED_OVER,
    OrderState.DELIVERED,
)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is still to be packed."""

    order_id: str
    state: OrderState


@dataclass(frozen=True, slots=True)
class BatchView:
    """The orders of one window: how many, how many are packed, what is open and what that takes."""

    from_ms: int
    until_ms: int
    orders: int
    packed: int
    open_orders: tuple[OpenOrder, ...]
    items: tuple[PickItem, ...]


@dataclass(frozen=True, slots=True)
class WavePlanView:
    """A wave of a presale in a store; `behind` are orders whose window is over, not yet packed.

    `items` is what all its orders take together, packed or not.
    """

    id: str
    name: Text
    cut_off_ms: int
    ready_by_ms: int
    until_ms: int
    orders: int
    packed: int
    behind: int
    items: tuple[PickItem, ...]
    batches: tuple[BatchView, ...]


@dataclass(frozen=True, slots=True)
class StoreWavePlans:
    """All waves of a store that are not handed over yet, the next one first."""

    plans: tuple[WavePlanView, ...]
    now_ms: int


class WavePlans:
    """Plans of waves, made from what is ordered and how fast a store packs."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def of_store(self, store_id: str) -> StoreWavePlans:
        """The waves of a store; before the cut-off as they would be if it were now.

        Raises:
            NotFound: There is no such store.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        catalogue.store(store_id)
        brand_id = catalogue.brand_id("store", store_id)
        known = [
            presale
            for presale in catalogue.presales
            if presale.brand_id == brand_id
            and presale.is_for(store_id)
            and at_ms < presale.until_ms
        ]
        known.sort(key=lambda presale: presale.ready_by_ms)

        def read(connection: Connection) -> list[tuple[Presale, list[OrderRow], dict[str, str]]]:
            found = []
            for presale in known:
                rows = _orders(connection, store_id, presale)
                found.append((presale, rows, zones_of(connection, rows)))
            return found

        found = await self._shop.record.query(read) if known else []
        plans = [
            _plan(catalogue, store_id, presale, rows, zones, at_ms)
            for presale, rows, zones in found
        ]
        return StoreWavePlans(tuple(plans), at_ms)


def _orders(connection: Connection, store_id: str, presale: Presale) -> list[OrderRow]:
    """The orders of a wave in the order of their bags, with those of groups that found no place."""
    unplaced = and_(orders.c.slot == "", orders.c.due_at_ms == presale.ready_by_ms)
    return sorted(
        orders_of(
            connection,
            ORDERS.where(
                orders.c.store_id == store_id,
                or_(orders.c.slot == presale.slot, unplaced),
                orders.c.state.in_([state.value for state in (*TO_PACK, *PACKED)]),
            ),
        ),
        key=bag_order,
    )


def _plan(
    catalogue: Catalogue,
    store_id: str,
    presale: Presale,
    rows: Sequence[OrderRow],
    zones: Mapping[str, str],
    at_ms: int,
) -> WavePlanView:
    store = packing_store(catalogue.store(store_id))
    windows = packing_windows(store, presale.cut_off_ms, presale.ready_by_ms)
    batches = [
        _batch(catalogue, batch, rows, zones)
        for batch in plan_batches(len(rows), windows, store.capacity)
    ]
    late = [batch for batch in batches if batch.until_ms <= at_ms]
    return WavePlanView(
        presale.id,
        presale.name,
        presale.cut_off_ms,
        presale.ready_by_ms,
        presale.until_ms,
        len(rows),
        sum(batch.packed for batch in batches),
        sum(len(batch.open_orders) for batch in late),
        pick_items(catalogue, zones, list(enumerate(rows, 1))),
        tuple(batches),
    )


def _batch(
    catalogue: Catalogue, batch: Batch, rows: Sequence[OrderRow], zones: Mapping[str, str]
) -> BatchView:
    mine = rows[batch.first : batch.first + batch.orders]
    open_rows = [row for row in mine if row.state in TO_PACK]
    return BatchView(
        batch.window.from_ms,
        batch.window.until_ms,
        len(mine),
        len(mine) - len(open_rows),
        tuple(OpenOrder(row.id, row.state) for row in open_rows),
        pick_items(catalogue, zones, list(enumerate(open_rows, 1))),
    )
