"""A leader's day: the groups of an estate, its orders, and the goods that are to arrive."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection

from commerce.catalogue.values import Text
from commerce.errors import NotFound
from commerce.groups.group import JOINABLE, Group
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, orders
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.estates import time_zone_of
from commerce.io.shop.leaders.neighbours import UNKNOWN, Neighbour, neighbours_of
from commerce.io.shop.leaders.reminders import ReminderState, reminder_states
from commerce.io.shop.views import line_views, store_view
from commerce.leaders.day import day_begins_ms
from commerce.leaders.walk import walk_key
from commerce.orders.order import OrderRow
from commerce.orders.promise import Fulfilment
from commerce.orders.states import WITH_BUYER_VALUES, WITH_STORE, OrderState
from commerce.views import OrderLineView, StoreView

GROUPS_MAX = 100
ORDERS_MAX = 1_000

TO_ARRIVE = (OrderState.NEW, OrderState.PICKING, OrderState.PACKED)
_OPEN = [OrderState.WAITING_GROUP.value, *(state.value for state in WITH_STORE)]


@dataclass(frozen=True, slots=True)
class LeaderGroup:
    """A group of the estate with what it buys."""

    group: Group
    name: Text
    unit: Text
    image: str
    list_price_fen: int
    room_id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Units of an item for the estate: still to be packed, and waiting to be fetched."""

    product_id: str
    name: Text
    unit: Text
    image: str
    to_arrive: int
    ready: int


@dataclass(frozen=True, slots=True)
class LeaderOrder:
    """An order of the estate as its leader sees it: never with the pickup code."""

    id: str
    number: str
    state: OrderState
    household_id: str
    neighbour: Neighbour
    lines: tuple[OrderLineView, ...]
    group_id: str | None
    fulfilment: Fulfilment
    store: StoreView
    created_at_ms: int
    due_at_ms: int | None
    handed_over_at_ms: int | None


@dataclass(frozen=True, slots=True)
class LeaderDay:
    """What a leader sees of one estate."""

    estate_id: str
    estate_name: Text
    time_zone: str
    now_ms: int
    groups: list[LeaderGroup]
    arrivals: list[Arrival]
    orders: list[LeaderOrder]
    reminders: list[ReminderState]


@dataclass(frozen=True, slots=True)
class SharedGroup:
    """A group as a leader shares it."""

    shown: LeaderGroup
    estate_name: Text
    time_zone: str


class LeaderHome:
    """Reads a leader's day."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def day(self, estate_id: str) -> LeaderDay:
        """Return today's groups of an estate, and its orders: open ones, and those of today.

        Orders come in the order of the walk: by building and flat.

        Raises:
            NotFound: There is no such estate.
        """
        estate = self._shop.catalogue.estate(estate_id)
        at_ms = self._shop.clock()

        def read(connection: Connection) -> LeaderDay:
            zone = time_zone_of(connection, estate_id)
            begins_ms = day_begins_ms(zone, now_ms=at_ms)
            rows = estate_orders(connection, estate_id, begins_ms)
            joinable = buying_groups.c.state.in_([state.value for state in JOINABLE])
            of_today = joinable | (buying_groups.c.ends_at_ms >= begins_ms)
            return LeaderDay(
                estate_id,
                estate.name,
                zone,
                at_ms,
                _groups(connection, self._shop.catalogue, estate_id, of_today),
                arrivals(rows, self._shop.catalogue),
                leader_orders(connection, rows, self._shop.catalogue, estate_id),
                reminder_states(connection, {row.household for row in rows}),
            )

        return await self._shop.record.query(read)

    async def shared(self, estate_id: str, group_id: str) -> SharedGroup:
        """Return a group of an estate as it is shared.

        Raises:
            NotFound: The estate has no such group.
        """
        estate, catalogue = self._shop.catalogue.estate(estate_id), self._shop.catalogue

        def read(connection: Connection) -> SharedGroup:
            found = _groups(connection, catalogue, estate_id, buying_groups.c.id == group_id)
            if not found:
                raise NotFound("group", group_id)
            return SharedGroup(found[0], estate.name, time_zone_of(connection, estate_id))

        return await self._shop.record.query(read)


def estate_orders(connection: Connection, estate_id: str, begins_ms: int) -> list[OrderRow]:
    """Return the open orders of an estate, and those that were handed over since `begins_ms`."""
    open_or_done = orders.c.state.in_(_OPEN) | (
        orders.c.state.in_(WITH_BUYER_VALUES) & (orders.c.handed_over_at_ms >= begins_ms)
    )
    which = ORDERS.where(orders.c.estate_id == estate_id, open_or_done)
    newest = which.order_by(orders.c.created_at_ms.desc(), orders.c.id).limit(ORDERS_MAX)
    return orders_of(connection, newest)


def leader_orders(
    connection: Connection, rows: Sequence[OrderRow], catalogue: Catalogue, estate_id: str
) -> list[LeaderOrder]:
    """Return orders as a leader sees them, by building and flat."""
    neighbours = neighbours_of(connection, {row.guest_id for row in rows}, estate_id)
    found = [_order(row, catalogue, neighbours.get(row.guest_id, UNKNOWN)) for row in rows]

    def place(order: LeaderOrder) -> tuple[object, ...]:
        at = walk_key(order.neighbour.building, order.neighbour.flat)
        return (at, order.household_id, order.number)

    return sorted(found, key=place)


def arrivals(rows: Sequence[OrderRow], catalogue: Catalogue) -> list[Arrival]:
    """Return what orders take, summed by item: what is to arrive, most first."""
    coming: Counter[str] = Counter()
    ready: Counter[str] = Counter()
    for row in rows:
        for item_id, units in row.taken:
            if row.state in TO_ARRIVE:
                coming[item_id] += units
            elif row.state is OrderState.READY:
                ready[item_id] += units
    found = []
    for item_id in coming.keys() | ready.keys():
        item = catalogue.product(item_id)
        what = (item.id, item.name, item.unit, item.image)
        found.append(Arrival(*what, coming[item_id], ready[item_id]))
    return sorted(found, key=lambda one: (-one.to_arrive, -one.ready, one.product_id))


def _groups(
    connection: Connection, catalogue: Catalogue, estate_id: str, which: ColumnElement[bool]
) -> list[LeaderGroup]:
    rows = connection.execute(
        GROUPS.add_columns(buying_groups.c.room_id)
        .where(buying_groups.c.estate_id == estate_id, which)
        .order_by(buying_groups.c.ends_at_ms, buying_groups.c.id)
        .limit(GROUPS_MAX)
    )
    found = []
    for row in rows.mappings():
        group = group_of(row)
        product = catalogue.product(group.product_id)
        what = (product.name, product.unit, product.image, product.list_price_fen)
        found.append(LeaderGroup(group, *what, row["room_id"]))
    return found


def _order(row: OrderRow, catalogue: Catalogue, neighbour: Neighbour) -> LeaderOrder:
    return LeaderOrder(
        id=row.id,
        number=row.number,
        state=row.state,
        household_id=row.household,
        neighbour=neighbour,
        lines=line_views(row.all_lines, catalogue),
        group_id=row.group_id or None,
        fulfilment=row.fulfilment,
        store=store_view(catalogue, row.store_id),
        created_at_ms=row.created_at_ms,
        due_at_ms=row.due_at_ms,
        handed_over_at_ms=row.handed_over_at_ms,
    )
