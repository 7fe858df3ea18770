"""Slots of stores in the record; called by postings only, inside the caller's transaction.

Who takes slots locks them first, in the order of store and name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from commerce.io.record.presales import presales_of_stores
from commerce.io.record.schema import orders, rooms
from commerce.io.record.schema_slots import order_routes, slots
from commerce.orders.order import OrderRow
from commerce.orders.presales import presale_of
from commerce.orders.promise import WAVE, RuledOut, encode_ruled_out, spread, window_of

IDS_MAX = 500  # ids per statement

_TAKE = (
    update(slots)
    .where(slots.c.store_id == bindparam("s"), slots.c.name == bindparam("n"))
    .values(taken=slots.c.taken + bindparam("orders"), moves=slots.c.moves + bindparam("count"))
)
_PLACE = (
    update(orders)
    .where(orders.c.id == bindparam("o"))
    .values(slot=bindparam("name"), due_at_ms=bindparam("due"))
)
_DUE = update(orders).where(orders.c.id == bindparam("o")).values(due_at_ms=bindparam("due"))


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """How many orders a store is to pack in a window or wave."""

    store_id: str
    name: str
    from_ms: int
    until_ms: int
    capacity: int


def lock_slots(
    connection: Connection,
    named: Collection[tuple[str, str]],
    all_of: Collection[str] = (),
    from_ms: int = 0,
) -> dict[tuple[str, str], int]:
    """Lock slots by (store, name), and all of some stores; return how many places are free."""
    if not named and not all_of:
        return {}
    wanted = or_(
        and_(
            slots.c.store_id.in_({store for store, _ in named}),
            slots.c.name.in_({name for _, name in named}),
        ),
        and_(slots.c.store_id.in_(set(all_of)), slots.c.from_ms >= from_ms),
    )
    rows = connection.execute(
        select(slots.c.store_id, slots.c.name, slots.c.capacity - slots.c.taken)
        .where(wanted)
        .order_by(slots.c.store_id, slots.c.name)
        .with_for_update()
    )
    return {(store, name): free for store, name, free in rows}


def change_taken(connection: Connection, touched: Iterable[OrderRow], sign: int) -> None:
    """Take (+1) or give back (−1) the slots of orders."""
    counts: dict[tuple[str, str], int] = {}
    for order in touched:
        if order.slot:
            here = order.store_id, order.slot
            counts[here] = counts.get(here, 0) + 1
    if counts:
        connection.execute(
            _TAKE,
            [
                {"s": store, "n": name, "orders": sign * count, "count": count}
                for (store, name), count in sorted(counts.items())
            ],
        )


def place_group_orders(
    connection: Connection, order_ids: Sequence[str], at_ms: int
) -> tuple[dict[str, str], dict[tuple[str, str], int]]:
    """Give orders without a slot the next ones of their stores, as early as there is room.

    Orders of a presale get places of its wave, and are due with it even if it has none left.

    Returns:
        Slots by order, and how many were taken by (store, slot). Orders of stores that do not count
        them, and those that find no room, get none.
    """
    waiting = _without_slots(connection, order_ids, at_ms)
    due: dict[str, int] = {}
    placed: dict[str, str] = {}
    taken: dict[tuple[str, str], int] = {}
    for (store_id, wave), ids in sorted(waiting.items()):
        named = (
            slots.c.name == wave
            if wave
            else and_(slots.c.from_ms >= at_ms, slots.c.name.not_like(f"{WAVE}%"))
        )
        free = connection.execute(
            select(slots.c.name, slots.c.capacity - slots.c.taken)
            .where(slots.c.store_id == store_id, named)
            .order_by(slots.c.from_ms)
            .with_for_update()
        )
        left = iter(ids)
        for name, count in spread(len(ids), [(name, places) for name, places in free]):
            taken[store_id, name] = count
            placed |= {next(left): name for _ in range(count)}
        due |= {id: window_of(wave).until_ms for id in left if wave}
    if due:
        connection.execute(_DUE, [{"o": id, "due": by_ms} for id, by_ms in due.items()])
    if placed:
        connection.execute(
            _TAKE,
            [
                {"s": store, "n": name, "orders": count, "count": 1}
                for (store, name), count in sorted(taken.items())
            ],
        )
        connection.execute(
            _PLACE,
            [
                {"o": order_id, "name": name, "due": window_of(name).until_ms}
                for order_id, name in placed.items()
            ],
        )
    return placed, taken


def _without_slots(
    connection: Connection, order_ids: Sequence[str], at_ms: int
) -> dict[tuple[str, str], list[str]]:
    """Orders without a slot by their store and the wave that they need a place of, "" for none."""
    found: dict[tuple[str, str], list[str]] = {}
    for at in range(0, len(order_ids), IDS_MAX):
        rows = connection.execute(
            select(orders.c.id, orders.c.store_id, orders.c.product_id, orders.c.created_at_ms)
            .add_columns(rooms.c.store_id.label("of_room"))
            .join(rooms, rooms.c.id == orders.c.room_id)
            .where(orders.c.id.in_(order_ids[at : at + IDS_MAX]), orders.c.slot == "")
            .order_by(orders.c.created_at_ms, orders.c.id)
        ).all()
        packs = presales_of_stores(connection, {row.store_id for row in rows}, at_ms)
        for id, store_id, product_id, ordered_at_ms, of_room in rows:
            known = [one for one in packs.get(store_id, ()) if one.is_for(of_room)]
            presale = presale_of(known, product_id, now_ms=ordered_at_ms)
            found.setdefault((store_id, presale.slot if presale else ""), []).append(id)
    return found


def plan_slots(connection: Connection, plans: Sequence[SlotPlan]) -> dict[tuple[str, str], int]:
    """Set how many orders windows take, never fewer than they have.

    Returns:
        By how much the free places changed, by (store, slot), where they did.
    """
    stores = {plan.store_id for plan in plans}
    rows = connection.execute(
        select(slots.c.store_id, slots.c.name, slots.c.capacity, slots.c.taken)
        .where(slots.c.store_id.in_(stores), slots.c.name.in_({plan.name for plan in plans}))
        .order_by(slots.c.store_id, slots.c.name)
        .with_for_update()
    )
    known = {(store, name): (capacity, taken) for store, name, capacity, taken in rows}
    changes: dict[tuple[str, str], int] = {}
    for plan in sorted(plans, key=lambda plan: (plan.store_id, plan.name)):
        here = plan.store_id, plan.name
        if here not in known:
            if plan.capacity:
                _insert(connection, plan)
                changes[here] = plan.capacity
            continue
        capacity, taken = known[here]
        wanted = max(plan.capacity, taken)
        if wanted != capacity:
            connection.execute(
                update(slots)
                .where(slots.c.store_id == plan.store_id, slots.c.name == plan.name)
                .values(capacity=wanted, moves=slots.c.moves + 1)
            )
            changes[here] = wanted - capacity
    return changes


def _insert(connection: Connection, plan: SlotPlan) -> None:
    connection.execute(
        insert(slots),
        {
            "store_id": plan.store_id,
            "name": plan.name,
            "from_ms": plan.from_ms,
            "until_ms": plan.until_ms,
            "capacity": plan.capacity,
            "taken": 0,
            "moves": 1,
        },
    )


def add_routes(connection: Connection, routed: Mapping[str, str], made: Sequence[OrderRow]) -> None:
    """Write which stores did not get new orders and why; `routed` are those texts by order."""
    rows = [
        {
            "order_id": order.id,
            "n": 0,
            "store_id": order.store_id,
            "slot": order.slot,
            "ruled_out": routed[order.id],
            "reason": "",
            "at_ms": order.created_at_ms,
        }
        for order in made
        if routed.get(order.id)
    ]
    if rows:
        connection.execute(insert(order_routes), rows)


def add_route(
    connection: Connection,
    order: OrderRow,
    n: int,
    ruled_out: Iterable[RuledOut],
    reason: str,
    at_ms: int,
) -> None:
    """Write that an order was given to the store that it has now, and why."""
    connection.execute(
        insert(order_routes),
        {
            "order_id": order.id,
            "n": n,
            "store_id": order.store_id,
            "slot": order.slot,
            "ruled_out": encode_ruled_out(ruled_out),
            "reason": reason,
            "at_ms": at_ms,
        },
    )


def next_route(connection: Connection, order_id: str) -> int:
    """Return the number of an order's next route."""
    last = select(func.max(order_routes.c.n)).where(order_routes.c.order_id == order_id)
    return int(connection.scalar(last) or 0) + 1
