"""Goods go to their buyer: what every way of handing over does, in the caller's transaction."""

from sqlalchemy import Connection

from commerce.io.record.order_postings import hand_over, move_order
from commerce.io.record.postings import Topic, enqueue
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState


def hand_out(connection: Connection, order: OrderRow, moved_by: str, at_ms: int) -> None:
    """Hand over an order that is locked and ready.

    Raises:
        IllegalMove: Another transaction was faster.
    """
    move_order(connection, order, OrderState.HANDED_OVER, moved_by, at_ms)
    hand_over(connection, order, at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)
