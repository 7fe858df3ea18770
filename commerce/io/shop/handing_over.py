"""Goods go to their buyer: what every way of handing over does, in the caller's transaction."""

from dataclasses import replace

from sqlalchemy import Connection

from commerce.io.record.order_postings import hand_over, move_order
from commerce.io.record.postings import Topic, enqueue
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState


def hand_out(connection: Connection, order: OrderRow, moved_by: str, at_ms: int) -> None:
    """Hand over an order that is locked and ready: its buyer has come for it.

    Raises:
        IllegalMove: Another transaction was faster.
    """
    _give(connection, order, OrderState.HANDED_OVER, moved_by, at_ms)


def deliver(connection: Connection, order: OrderRow, moved_by: str, at_ms: int) -> None:
    """Hand over an order at its buyer's door; one that nobody marked as out goes out first.

    Raises:
        IllegalMove: Another transaction was faster.
    """
    if order.state is OrderState.READY:
        move_order(connection, order, OrderState.OUT, moved_by, at_ms)
        order = replace(order, state=OrderState.OUT, version=order.version + 1)
    _give(connection, order, OrderState.DELIVERED, moved_by, at_ms)


def _give(
    connection: Connection, order: OrderRow, to: OrderState, moved_by: str, at_ms: int
) -> None:
    move_order(connection, order, to, moved_by, at_ms)
    hand_over(connection, order, at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)
