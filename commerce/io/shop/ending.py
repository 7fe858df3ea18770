"""Ends orders that cannot be had after all: units and places are free again, the money goes back.

Every function runs inside the caller's transaction.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from commerce.io.record.locks import lock_groups, lock_taken
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import cancel_orders
from commerce.io.record.payment_postings import give_up
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.fulfilment import give_up_seat
from commerce.orders.order import OrderRow
from commerce.orders.presales import CANCELLABLE
from commerce.orders.states import OrderState


def end_orders(
    connection: Connection, ids: Sequence[str], reason: str, moved_by: str, at_ms: int
) -> list[OrderRow]:
    """End those of some orders that have not left the store; return them as they were.

    Each is paid back once, by the refund queue. One that waits for its payment is only given up;
    what is paid for it later goes back, too.
    """
    which = ORDERS.where(orders.c.id.in_(ids))
    seen = orders_of(connection, which)
    lock_groups(connection, sorted({order.group_id for order in seen if order.group_id}))
    lock_taken(connection, seen)
    locked = orders_of(connection, which.order_by(orders.c.id).with_for_update())
    still = [order for order in locked if order.state in CANCELLABLE]
    unpaid = [order for order in still if order.state is OrderState.WAITING_PAYMENT]
    rest = [order for order in still if order.state is not OrderState.WAITING_PAYMENT]
    for order in unpaid:
        give_up(connection, order, moved_by, at_ms)
    if rest:
        cancel_orders(connection, rest, reason, moved_by, at_ms)
    for order in rest:
        give_up_seat(connection, order, at_ms)
    return still
