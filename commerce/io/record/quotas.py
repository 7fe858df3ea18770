"""Quotas in the record; called by postings only, inside the caller's transaction.

Who takes quotas locks them first, after slots, in the order of their names; the waiting list of a
flash sale belongs to whoever has locked the units of the sale. What changes capacity − taken
otherwise than by an order is counted as a move, and the gate follows by the outbox.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from commerce.flash.sale import PART, RIGHT_MS, WaitingState, next_waiting
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import orders
from commerce.io.record.schema_flash import flash_sales, flash_waiting, quotas
from commerce.orders.lines import read_units
from commerce.orders.order import OrderRow
from commerce.orders.quotas import PLACE, flash_quota, right_quota, sale_of
from commerce.orders.states import UNDONE_VALUES

KEPT_MS = 3_600 * 1_000
"""A quota is compared with the gate's for so long after its end."""

_TAKE = (
    update(quotas)
    .where(quotas.c.name == bindparam("n"))
    .values(taken=quotas.c.taken + bindparam("units"), moves=quotas.c.moves + bindparam("count"))
)


def open_quota(
    connection: Connection, brand_id: str, name: str, units: int, until_ms: int, at_ms: int
) -> None:
    """Make a new quota of `units`, and have the gate follow."""
    row = {"name": name, "brand_id": brand_id, "capacity": units, "taken": 0, "moves": 1}
    connection.execute(insert(quotas), {**row, "until_ms": until_ms})
    _tell_gate(connection, name, units, at_ms)


def lock_quotas(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Lock quotas, and those of the sales whose rights are among them; return what is free."""
    wanted = {*names, *(flash_quota(sale_of(name)) for name in names if sale_of(name))}
    if not wanted:
        return {}
    rows = connection.execute(
        select(quotas.c.name, quotas.c.capacity - quotas.c.taken)
        .where(quotas.c.name.in_(wanted))
        .order_by(quotas.c.name)
        .with_for_update()
    )
    return {name: free for name, free in rows}


def take_quotas(connection: Connection, made: Iterable[OrderRow]) -> None:
    """Take what new orders need of quotas; a household's right is used, and rooms see it."""
    units: dict[str, int] = {}
    counts: dict[str, int] = {}
    rooms: dict[str, int] = {}
    for order in made:
        for name, taken in order.quotas:
            units[name] = units.get(name, 0) + taken
            counts[name] = counts.get(name, 0) + 1
            rooms[order.room_id] = max(rooms.get(order.room_id, 0), order.created_at_ms)
    if not units:
        return
    rows = [{"n": name, "units": units[name], "count": counts[name]} for name in sorted(units)]
    connection.execute(_TAKE, rows)
    for name in sorted(units):
        sale_id = sale_of(name)
        if sale_id and name != flash_quota(sale_id):
            household_id = name.removeprefix(right_quota(sale_id, ""))
            _move(connection, sale_id, [household_id], WaitingState.TAKEN, None)
    for room_id, at_ms in sorted(rooms.items()):
        show_sale(connection, room_id, at_ms)


def retake_quotas(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """Have an order that gave its units back take some again; the caller has locked them."""
    take_quotas(connection, [order])
    for name, units in order.quotas:
        _tell_gate(connection, name, -units, at_ms)


def return_quotas(connection: Connection, released: Sequence[OrderRow], at_ms: int) -> None:
    """Give back what cancelled orders took, whose quotas the caller has locked.

    Units of a sale that still runs are offered to those who wait.
    """
    taken: dict[str, int] = {}
    for order in released:
        for name, units in order.quotas:
            taken[name] = taken.get(name, 0) + units
    by_sale: dict[str, int] = {}
    for name, units in sorted(taken.items()):
        if not sale_of(name):
            connection.execute(_TAKE, {"n": name, "units": -units, "count": 1})
            _tell_gate(connection, name, units, at_ms)
            continue
        connection.execute(
            update(quotas)
            .where(quotas.c.name == name)
            .values(taken=quotas.c.taken - units, capacity=quotas.c.capacity - units)
        )
        by_sale[sale_of(name)] = by_sale.get(sale_of(name), 0) + units
    for sale_id, units in sorted(by_sale.items()):
        pass_on(connection, sale_id, units, at_ms)


def pass_on(connection: Connection, sale_id: str, units: int, at_ms: int) -> None:
    """Offer units that nobody has to those who wait, the rest to all; the caller has the lock."""
    row = connection.execute(
        select(flash_sales, quotas.c.brand_id)
        .join_from(flash_sales, quotas, quotas.c.name == flash_quota("") + flash_sales.c.id)
        .where(flash_sales.c.id == sale_id)
    ).one()
    waiting = [
        (place, household)
        for place, household in connection.execute(
            select(flash_waiting.c.place, flash_waiting.c.household_id)
            .where(
                flash_waiting.c.sale_id == sale_id,
                flash_waiting.c.state == WaitingState.WAITING.value,
            )
            .order_by(flash_waiting.c.place)
            .limit(units)
        )
    ]
    offered = next_waiting(waiting, units) if at_ms < row.ends_at_ms else []
    if offered:
        _move(connection, sale_id, offered, WaitingState.OFFERED, at_ms + RIGHT_MS)
    until_ms = at_ms + RIGHT_MS + KEPT_MS
    for household_id in offered:
        name = right_quota(sale_id, household_id)
        if not change_capacity(connection, name, 1, at_ms):
            open_quota(connection, row.brand_id, name, 1, until_ms, at_ms)
    if units > len(offered):
        change_capacity(connection, flash_quota(sale_id), units - len(offered), at_ms)
    show_sale(connection, row.room_id, at_ms)


def lapse_rights(
    connection: Connection, sale_id: str, household_ids: Sequence[str], at_ms: int
) -> int:
    """End rights that were not used; return how many units are nobody's now."""
    units = 0
    for household_id in household_ids:
        name = right_quota(sale_id, household_id)
        free = connection.scalar(
            select(quotas.c.capacity - quotas.c.taken).where(quotas.c.name == name)
        )
        if free:
            change_capacity(connection, name, -free, at_ms)
            units += free
    _move(connection, sale_id, household_ids, WaitingState.LAPSED, None)
    return units


def change_capacity(connection: Connection, name: str, units: int, at_ms: int) -> bool:
    """Add units to a quota, or take some away, and have the gate follow; False if none is there."""
    changed = connection.execute(
        update(quotas)
        .where(quotas.c.name == name)
        .values(capacity=quotas.c.capacity + units, moves=quotas.c.moves + 1)
    )
    if changed.rowcount:
        _tell_gate(connection, name, units, at_ms)
    return bool(changed.rowcount)


def broken_quotas(connection: Connection) -> list[str]:
    """Return the quotas of which not as much is taken as orders have that are not cancelled."""
    taken: dict[str, int] = {}
    of_orders = select(orders.c.quotas).where(
        orders.c.quotas != "",
        orders.c.refused.is_(None),
        orders.c.state.not_in(UNDONE_VALUES),
    )
    for text in connection.scalars(of_orders):
        for name, units in read_units(text):
            taken[name] = taken.get(name, 0) + units
    return [
        f"{name}: {counted} taken, {taken.get(name, 0)} in orders"
        for name, counted in connection.execute(select(quotas.c.name, quotas.c.taken))
        if counted != taken.get(name, 0)
    ]


def show_sale(connection: Connection, room_id: str, at_ms: int) -> None:
    """Have the room shown its flash sale as it is after the transaction."""
    enqueue(connection, Topic.ACTIVITY, [f"{room_id}|{PART}"], at_ms)


def _move(
    connection: Connection,
    sale_id: str,
    household_ids: Sequence[str],
    to: WaitingState,
    until_ms: int | None,
) -> None:
    of_these = flash_waiting.c.household_id.in_(household_ids)
    connection.execute(
        update(flash_waiting)
        .where(flash_waiting.c.sale_id == sale_id, of_these)
        .values(state=to.value, until_ms=until_ms)
    )


def _tell_gate(connection: Connection, name: str, units: int, at_ms: int) -> None:
    enqueue(connection, Topic.RESTOCK, [f"{name}|{PLACE}"], at_ms, units)
