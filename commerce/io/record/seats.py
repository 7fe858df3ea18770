"""Seats of groups: households that paid are counted, and a group that is full goes on.

Every function runs inside the caller's transaction, which has locked the groups.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, insert, update

from commerce.groups.group import GroupState
from commerce.io.record.order_postings import move_orders
from commerce.io.record.schema import buying_groups, group_seats, orders
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState, due_at_ms

_JOIN = (
    update(buying_groups)
    .where(buying_groups.c.id == bindparam("g"))
    .values(joined=buying_groups.c.joined + bindparam("households"))
)
_REACH = (
    update(buying_groups)
    .where(buying_groups.c.id == bindparam("g"), buying_groups.c.state == GroupState.OPEN.value)
    .values(state=GroupState.REACHED.value)
)


def complete_groups(
    connection: Connection, joined: Mapping[str, int], reached: Mapping[str, int]
) -> list[str]:
    """Count households that joined; return the orders that went to the stores.

    `reached` are the groups that are complete with them, with the time of the last one.
    """
    if joined:
        connection.execute(
            _JOIN, [{"g": group, "households": count} for group, count in sorted(joined.items())]
        )
    moved_on: list[str] = []
    for group_id, reached_at_ms in sorted(reached.items()):
        connection.execute(_REACH, {"g": group_id})
        moved_on += move_orders(
            connection,
            orders.c.group_id == group_id,
            OrderState.WAITING_GROUP,
            OrderState.NEW,
            "group",
            reached_at_ms,
            due_at_ms=due_at_ms(reached_at_ms),
        )
    return moved_on


def take_seats(connection: Connection, sales: Sequence[OrderRow]) -> None:
    """Give the households of paid orders their seats."""
    seats = [
        {"group_id": order.group_id, "household_id": order.household, "order_id": order.id}
        for order in sales
        if order.group_id and order.state is not OrderState.WAITING_PAYMENT
    ]
    if seats:
        connection.execute(insert(group_seats), seats)
