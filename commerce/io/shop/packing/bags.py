"""Bags: the number of an order in its wave, given once when picking begins, and its slot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import orders
from commerce.io.record.schema_packing import bags
from commerce.orders.order import OrderRow
from commerce.orders.picking import bag_order
from commerce.orders.states import OPEN_AT_STORE


@dataclass(frozen=True, slots=True)
class Bag:
    """Number and slot; 0 and "" while there is none."""

    number: int = 0
    slot: str = ""


NO_BAG = Bag()


def bags_of(connection: Connection, order_ids: Collection[str]) -> dict[str, Bag]:
    """Return the bags of orders by their ids."""
    found = connection.execute(select(bags).where(bags.c.order_id.in_(order_ids)))
    return {row.order_id: Bag(row.bag, row.slot) for row in found}


def put_bags(connection: Connection, order_ids: Sequence[str], slot: str, at_ms: int) -> None:
    """Note where the bags of orders stand, and show it to buyers and store."""
    known = bags_of(connection, order_ids)
    moved = [order_id for order_id in order_ids if known.get(order_id, NO_BAG).slot != slot]
    connection.execute(update(bags).where(bags.c.order_id.in_(moved)).values(slot=slot))
    fresh = [order_id for order_id in moved if order_id not in known]
    if fresh:
        rows = [{"order_id": order_id, "slot": slot} for order_id in fresh]
        connection.execute(insert(bags), rows)
    enqueue(connection, Topic.ORDER, moved, at_ms)


def number_bags(connection: Connection, going: Sequence[OrderRow]) -> None:
    """Number the bags of orders that have none, after those of their wave.

    A group counts its own; single orders count on from the highest that is still in the store.
    """
    known = bags_of(connection, [order.id for order in going])
    fresh = [order for order in going if not known.get(order.id, NO_BAG).number]
    numbered = []
    for wave in sorted({(order.store_id, order.group_id) for order in fresh}):
        number = _highest(connection, *wave)
        mine = [order for order in fresh if (order.store_id, order.group_id) == wave]
        for order in sorted(mine, key=bag_order):
            number += 1
            numbered.append((order.id, number))
    rows = [{"order_id": id, "bag": number} for id, number in numbered if id not in known]
    if rows:
        connection.execute(insert(bags), rows)
    for id, number in numbered:
        if id in known:
            connection.execute(update(bags).where(bags.c.order_id == id).values(bag=number))


def _highest(connection: Connection, store_id: str, group_id: str) -> int:
    wave: ColumnElement[bool] = orders.c.store_id == store_id
    if group_id:
        wave &= orders.c.group_id == group_id
    else:
        open_states = [state.value for state in OPEN_AT_STORE]
        wave &= orders.c.group_id.is_(None) & orders.c.state.in_(open_states)
    highest = select(func.max(bags.c.bag)).join(orders, orders.c.id == bags.c.order_id).where(wave)
    return connection.scalar(highest) or 0
