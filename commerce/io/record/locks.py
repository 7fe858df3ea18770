"""The order in which transactions lock rows, so that no two of them wait for each other.

1. the row by which a request is known: till, pickup code, transfer, batch of a store
2. buying groups, by id
3. stock, by product and store
4. slots, by store and name
5. quotas, by name
6. orders, by id
7. all else; the audit trail of the brand last

Who needs less begins further down. Which groups, items and stores an order has never changes, so
they are read before anything is locked.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from commerce.errors import NotFound
from commerce.io.record.order_lines import orders_of
from commerce.io.record.postings import lock_stock
from commerce.io.record.quotas import lock_quotas
from commerce.io.record.rows import GROUPS, ORDERS
from commerce.io.record.schema import buying_groups, orders
from commerce.io.record.slots import lock_slots
from commerce.orders.order import OrderRow


def lock_order(
    connection: Connection,
    order_id: str,
    *,
    group: bool = False,
    stock: bool = False,
    slot: str = "",
) -> OrderRow:
    """Lock an order, before it the group that it waits in and the stock that it holds if asked to.

    With the stock, `slot` is locked, too, which it may take.

    Raises:
        NotFound: There is no such order.
    """
    if group:
        mine = select(orders.c.group_id).where(orders.c.id == order_id)
        lock_groups(connection, [id for id in connection.scalars(mine) if id])
    which = ORDERS.where(orders.c.id == order_id)
    if stock:
        lock_taken(connection, orders_of(connection, which), slot)
    found = orders_of(connection, which.with_for_update())
    if not found:
        raise NotFound("order", order_id)
    return found[0]


def lock_groups(connection: Connection, group_ids: Sequence[str]) -> None:
    """Lock groups."""
    if group_ids:
        which = GROUPS.where(buying_groups.c.id.in_(group_ids)).order_by(buying_groups.c.id)
        connection.execute(which.with_for_update())


def lock_taken(connection: Connection, of_orders: Sequence[OrderRow], slot: str = "") -> None:
    """Lock the stock, the slots and the quotas that orders hold, and a slot that they may take."""
    lock_stock(
        connection,
        [(item_id, order.store_id) for order in of_orders for item_id, _ in order.taken],
    )
    named = {(order.store_id, name) for order in of_orders for name in (order.slot, slot) if name}
    lock_slots(connection, named)
    lock_quotas(connection, {name for order in of_orders for name, _ in order.quotas})
