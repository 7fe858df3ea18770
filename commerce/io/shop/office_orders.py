"""Orders as the head office sees them: where each went and why, and how full its stores are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping, case, func, select

from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.values import Text
from commerce.errors import NotFound
from commerce.io.gate import keys
from commerce.io.gate.gates import Gates
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import order_moves, orders, stores
from commerce.io.record.schema_slots import order_routes, slots
from commerce.io.shop.context import ShopContext
from commerce.io.shop.listing import read_page
from commerce.io.shop.views import promised, store_view
from commerce.orders.promise import (
    CHINA_MS,
    DAY_MS,
    HORIZON_MS,
    WAVE,
    Fulfilment,
    RuledOutBy,
    Span,
    read_ruled_out,
    slot_item,
)
from commerce.orders.states import OrderState
from commerce.views import StoreView


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of a brand; empty for all."""

    state: OrderState | None = None
    store_id: str = ""
    estate_id: str = ""
    room_id: str = ""


@dataclass(frozen=True, slots=True)
class OfficeOrder:
    """An order in the head office's list. `due_at_ms` is when the store has to be done with it."""

    id: str
    number: str
    state: OrderState
    name: Text
    estate_name: Text
    store: StoreView
    fulfilment: Fulfilment
    promised: Span | None
    total_fen: int
    refunded_fen: int
    created_at_ms: int
    due_at_ms: int | None
    ready_at_ms: int | None
    routes: int


@dataclass(frozen=True, slots=True)
class RuledOutView:
    """A store that did not get the order; `detail` is the item that it lacks, or how far it is."""

    store_id: str
    store_name: Text
    reason: RuledOutBy
    detail: str
    item_name: Text | None


@dataclass(frozen=True, slots=True)
class RouteView:
    """One decision: which store got the order, for when, and why not the others.

    `reason` is empty for the first one.
    """

    store: StoreView
    promised: Span | None
    reason: str
    at_ms: int
    ruled_out: tuple[RuledOutView, ...]


@dataclass(frozen=True, slots=True)
class MoveView:
    """A move of an order."""

    from_state: str
    to_state: str
    moved_by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfficeOrderDetail:
    """An order with its routes and moves, oldest first."""

    order: OfficeOrder
    routes: tuple[RouteView, ...]
    moves: tuple[MoveView, ...]


@dataclass(frozen=True, slots=True)
class WindowView:
    """A window of a store. `held` are orders on their way into the record."""

    name: str
    from_ms: int
    until_ms: int
    capacity: int
    taken: int
    held: int


@dataclass(frozen=True, slots=True)
class StoreCapacity:
    """How full a store is; `ready` orders of today, of which `late` were after their time."""

    store: StoreView
    packers: int | None
    orders_per_packer_hour: int
    closed_until_ms: int
    ready: int
    late: int
    windows: tuple[WindowView, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """All stores of a brand."""

    stores: tuple[StoreCapacity, ...]
    now_ms: int


_READY_AT = (
    select(func.max(order_moves.c.at_ms))
    .where(order_moves.c.order_id == orders.c.id, order_moves.c.to_state == OrderState.READY.value)
    .correlate(orders)
    .scalar_subquery()
    .label("ready_at_ms")
)
_ROUTES = (
    select(func.count())
    .where(order_routes.c.order_id == orders.c.id, order_routes.c.n > 0)
    .correlate(orders)
    .scalar_subquery()
    .label("routes")
)
_LIST = select(orders, _READY_AT, _ROUTES).join(stores, stores.c.id == orders.c.store_id)


class OfficeOrders:
    """Orders and capacity of a brand."""

    def __init__(self, shop: ShopContext, gates: Gates) -> None:
        self._shop = shop
        self._gates = gates

    async def page(self, brand_id: str, which: OrderFilter, wanted: PageQuery) -> Page[OfficeOrder]:
        """Return one page of a brand's orders, the newest first unless they are sorted.

        Raises:
            InvalidField: They are not sorted by that.
        """
        rows = _LIST.where(stores.c.brand_id == brand_id)
        if which.state:
            rows = rows.where(orders.c.state == which.state.value)
        if which.store_id:
            rows = rows.where(orders.c.store_id == which.store_id)
        if which.estate_id:
            rows = rows.where(orders.c.estate_id == which.estate_id)
        if which.room_id:
            rows = rows.where(orders.c.room_id == which.room_id)
        if not wanted.sort:
            wanted = replace(wanted, sort="created", descending=True)
        return await self._shop.record.query(
            lambda connection: read_page(
                connection,
                wanted,
                rows,
                search=(orders.c.number, orders.c.id),
                sorts={"created": orders.c.created_at_ms, "due": orders.c.due_at_ms},
                last=orders.c.id,
                make=self._order,
            )
        )

    async def get(self, brand_id: str, order_id: str) -> OfficeOrderDetail:
        """Return one order with its routes and moves.

        Raises:
            NotFound: The brand has no such order.
        """
        return await self._shop.record.query(
            lambda connection: self._detail(connection, brand_id, order_id)
        )

    def _detail(self, connection: Connection, brand_id: str, order_id: str) -> OfficeOrderDetail:
        query = _LIST.where(stores.c.brand_id == brand_id, orders.c.id == order_id)
        row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("order", order_id)
        moves = connection.execute(
            select(order_moves)
            .where(order_moves.c.order_id == order_id)
            .order_by(order_moves.c.version)
        )
        [order] = orders_of(connection, ORDERS.where(orders.c.id == order_id))
        routes = connection.execute(
            select(order_routes)
            .where(order_routes.c.order_id == order_id)
            .order_by(order_routes.c.n)
        ).mappings()
        shown = [self._route(route, order.fulfilment) for route in routes]
        if not shown:
            catalogue = self._shop.catalogue
            window = promised(catalogue, order.store_id, order.slot, order.fulfilment)
            store = store_view(catalogue, order.store_id)
            shown = [RouteView(store, window, "", order.created_at_ms, ())]
        return OfficeOrderDetail(
            self._order(row),
            tuple(shown),
            tuple(MoveView(m.from_state, m.to_state, m.moved_by, m.at_ms) for m in moves),
        )

    def _order(self, row: RowMapping) -> OfficeOrder:
        catalogue = self._shop.catalogue
        fulfilment = Fulfilment(row["fulfilment"])
        product = catalogue.products.get(row["product_id"])
        estate = catalogue.estates.get(row["estate_id"])
        return OfficeOrder(
            id=row["id"],
            number=row["number"],
            state=OrderState(row["state"]),
            name=product.name if product else Text(row["product_id"], row["product_id"]),
            estate_name=estate.name if estate else Text(row["estate_id"], row["estate_id"]),
            store=store_view(catalogue, row["store_id"]),
            fulfilment=fulfilment,
            promised=promised(catalogue, row["store_id"], row["slot"], fulfilment),
            total_fen=row["total_fen"],
            refunded_fen=row["refunded_fen"],
            created_at_ms=row["created_at_ms"],
            due_at_ms=row["due_at_ms"],
            ready_at_ms=row["ready_at_ms"],
            routes=row["routes"],
        )

    def _route(self, row: RowMapping, fulfilment: Fulfilment) -> RouteView:
        catalogue = self._shop.catalogue
        ruled_out = []
        # A store may have been tried twice: for its windows that are soon, and for later ones.
        for out in dict.fromkeys(read_ruled_out(row["ruled_out"])):
            store = catalogue.stores.get(out.store_id)
            item = catalogue.products.get(out.detail)
            name = store.name if store else Text(out.store_id, out.store_id)
            item_name = item.name if item and out.reason is RuledOutBy.NO_STOCK else None
            ruled_out.append(RuledOutView(out.store_id, name, out.reason, out.detail, item_name))
        return RouteView(
            store_view(catalogue, row["store_id"]),
            promised(catalogue, row["store_id"], row["slot"], fulfilment),
            row["reason"],
            row["at_ms"],
            tuple(ruled_out),
        )

    async def capacity(self, brand_id: str) -> Capacity:
        """Return how full the stores of a brand are, today and until the horizon."""
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        own = [id for id in catalogue.stores if catalogue.brand_id("store", id) == brand_id]
        begins_ms = at_ms - (at_ms + CHINA_MS) % DAY_MS
        rows, done = await self._shop.record.query(
            lambda connection: (
                _windows(connection, own, begins_ms, at_ms + HORIZON_MS),
                _done(connection, own, begins_ms),
            )
        )
        fields = [keys.row(slot_item(row["name"]), row["store_id"]) for row in rows]
        held = dict(zip(fields, await self._gates.of(brand_id).held(fields), strict=True))
        windows: dict[str, list[WindowView]] = {}
        for row, field in zip(rows, fields, strict=True):
            shown = {
                name: row[name] for name in ("name", "from_ms", "until_ms", "capacity", "taken")
            }
            windows.setdefault(row["store_id"], []).append(WindowView(**shown, held=held[field]))
        found = []
        for id in own:
            store = catalogue.stores[id]
            ready, late = done.get(id, (0, 0))
            rate, closed = store.orders_per_packer_hour, store.closed_until_ms
            of_store = tuple(windows.get(id, ()))
            seen = store_view(catalogue, id)
            found.append(StoreCapacity(seen, store.packers, rate, closed, ready, late, of_store))
        return Capacity(tuple(found), at_ms)


def _windows(
    connection: Connection, store_ids: Sequence[str], from_ms: int, until_ms: int
) -> Sequence[RowMapping]:
    return (
        connection.execute(
            select(slots)
            .where(
                slots.c.store_id.in_(store_ids),
                slots.c.from_ms >= from_ms,
                slots.c.from_ms < until_ms,
                slots.c.name.not_like(f"{WAVE}%"),
            )
            .order_by(slots.c.store_id, slots.c.from_ms, slots.c.name)
        )
        .mappings()
        .all()
    )


def _done(
    connection: Connection, store_ids: Sequence[str], from_ms: int
) -> dict[str, tuple[int, int]]:
    """Orders that became ready since then, and those of them that were late, by store."""
    ready = (
        select(order_moves.c.order_id, func.max(order_moves.c.at_ms).label("at_ms"))
        .where(order_moves.c.to_state == OrderState.READY.value, order_moves.c.at_ms >= from_ms)
        .group_by(order_moves.c.order_id)
        .subquery()
    )
    late = func.sum(case((ready.c.at_ms > orders.c.due_at_ms, 1), else_=0))
    rows = connection.execute(
        select(orders.c.store_id, func.count(), late)
        .join(ready, ready.c.order_id == orders.c.id)
        .where(orders.c.store_id.in_(store_ids))
        .group_by(orders.c.store_id)
    )
    return {store: (int(count), int(after or 0)) for store, count, after in rows}
