"""An order moves on in its store, with all that follows: pickup code, group, what is delivered.

Every function runs inside the caller's transaction, which has locked the order.
"""

from sqlalchemy import Connection, delete, insert, select, update

from commerce.errors import IllegalMove
from commerce.groups.group import GroupState
from commerce.io.record.order_postings import move_order
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import buying_groups, pickup_codes
from commerce.io.shop.notices import notify_buyers
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.notices.notices import NoticeKind
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState


def advance(
    connection: Connection,
    order: OrderRow,
    to: OrderState,
    moved_by: str,
    at_ms: int,
    codes: PickupCodes,
) -> None:
    """Move an order to the next state of its way through the store.

    Raises:
        IllegalMove: Not a transition, or another transaction was faster.
    """
    if to is OrderState.PICKING and order.consent_by_ms is not None:
        raise IllegalMove(order.state, to)  # its buyer may still refuse the store
    move_order(connection, order, to, moved_by, at_ms)
    if to is OrderState.READY:
        _make_code(connection, order, at_ms, codes)
        notify_buyers(connection, [order], NoticeKind.READY, moved_by, at_ms)
    if to is OrderState.OUT:
        notify_buyers(connection, [order], NoticeKind.OUT, moved_by, at_ms)
    if to is OrderState.PICKING and order.group_id:
        begun = connection.execute(
            update(buying_groups)
            .where(
                buying_groups.c.id == order.group_id,
                buying_groups.c.state == GroupState.REACHED.value,
            )
            .values(state=GroupState.FULFILLING.value)
        )
        if begun.rowcount:
            enqueue(connection, Topic.GROUP, [order.group_id], at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)


def reverse(
    connection: Connection, order: OrderRow, to: OrderState, moved_by: str, at_ms: int
) -> None:
    """Take a move of an order back; a code that it gave no longer holds.

    Raises:
        IllegalMove: Not a reversal, the code was used, or another transaction was faster.
    """
    if order.state is OrderState.READY:
        gone = connection.execute(
            delete(pickup_codes).where(
                pickup_codes.c.order_id == order.id, pickup_codes.c.redeemed_at_ms.is_(None)
            )
        )
        if not gone.rowcount:
            raise IllegalMove(order.state, to)
    move_order(connection, order, to, moved_by, at_ms, reverse=True)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)


def _make_code(connection: Connection, order: OrderRow, at_ms: int, codes: PickupCodes) -> None:
    while True:
        code = codes.draw()
        taken = connection.scalar(
            select(pickup_codes.c.code).where(
                pickup_codes.c.store_id == order.store_id, pickup_codes.c.code == code
            )
        )
        if taken is None:
            break
    connection.execute(
        insert(pickup_codes),
        {
            "store_id": order.store_id,
            "code": code,
            "order_id": order.id,
            "created_at_ms": at_ms,
            "signature": codes.sign(order.store_id, code),
        },
    )
