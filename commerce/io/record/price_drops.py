"""Falling prices of groups: the fall itself, and the seats that are settled after it.

The fall is one transaction, each portion of seats another: whoever dies in between, the next one
goes on with the seats that are left. A seat knows the price that it is settled at, and a refund of
a fall exists once per order, so that nothing goes back twice.
"""

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from commerce.after_sales.price_drops import refund_of_drop
from commerce.groups.group import CLOSE_GRACE_MS, GOES_ON, Group, GroupState
from commerce.groups.price_drops import DropReason, closing_price
from commerce.io.record.order_lines import orders_of
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.refund_postings import request_part_refunds
from commerce.io.record.refund_rows import refunded_parts
from commerce.io.record.rows import GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, group_seats, orders
from commerce.io.record.schema_group_terms import price_drops
from commerce.orders.states import UNDONE_VALUES

SEATS_MAX = 100  # settled per transaction
GROUPS_MAX = 100  # looked at per pass

_TO_CLOSE = (
    select(buying_groups.c.id)
    .outerjoin(price_drops, price_drops.c.group_id == buying_groups.c.id)
    .where(
        buying_groups.c.steps != "",
        buying_groups.c.state.in_([state.value for state in (*GOES_ON, GroupState.DONE)]),
        buying_groups.c.ends_at_ms <= bindparam("ended"),
        price_drops.c.group_id.is_(None),
    )
    .order_by(buying_groups.c.ends_at_ms)
    .limit(GROUPS_MAX)
)
_UNSETTLED = (
    select(price_drops.c.group_id)
    .where(price_drops.c.settled_at_ms.is_(None))
    .order_by(price_drops.c.dropped_at_ms)
    .limit(GROUPS_MAX)
)


def groups_to_close(connection: Connection, at_ms: int) -> list[str]:
    """Return the groups with steps whose price is to be fixed."""
    return list(connection.scalars(_TO_CLOSE, {"ended": at_ms - CLOSE_GRACE_MS}))


def unsettled_groups(connection: Connection) -> list[str]:
    """Return the groups whose price fell and whose seats are not all settled."""
    return list(connection.scalars(_UNSETTLED))


def close_group(connection: Connection, group_id: str, at_ms: int) -> bool:
    """Fix what all pay in a group with steps; False if it is fixed already, or not yet."""
    group = lock_group(connection, group_id)
    price_fen = closing_price(group, at_ms=at_ms)
    fixed = select(price_drops.c.group_id).where(price_drops.c.group_id == group_id)
    if price_fen is None or connection.scalar(fixed):
        return False
    drop_price(connection, group, price_fen, DropReason.STEP, at_ms)
    return True


def drop_price(
    connection: Connection,
    group: Group,
    price_fen: int,
    reason: DropReason,
    at_ms: int,
    *,
    invite_id: str | None = None,
) -> None:
    """Lower the price of a group that the caller has locked, once; the gate and rooms follow.

    Raises:
        IntegrityError: It fell before.
    """
    connection.execute(
        insert(price_drops),
        {
            "group_id": group.id,
            "reason": reason.value,
            "invite_id": invite_id,
            "before_fen": group.price_fen,
            "price_fen": price_fen,
            "dropped_at_ms": at_ms,
        },
    )
    connection.execute(
        update(buying_groups).where(buying_groups.c.id == group.id).values(price_fen=price_fen)
    )
    enqueue(connection, Topic.GROUP, [group.id], at_ms)


def unsettle(connection: Connection, group_ids: list[str]) -> None:
    """Have groups looked at again that were joined after their price fell; the caller has them."""
    if group_ids:
        connection.execute(
            update(price_drops)
            .where(price_drops.c.group_id.in_(group_ids), price_drops.c.settled_at_ms.is_not(None))
            .values(settled_at_ms=None)
        )


def settle_seats(connection: Connection, group_id: str, at_ms: int) -> bool:
    """Give the difference back to the next seats of a group whose price fell; whether more wait."""
    group = lock_group(connection, group_id)
    waiting = (
        select(group_seats.c.order_id)
        .where(
            group_seats.c.group_id == group_id,
            or_(
                group_seats.c.settled_fen.is_(None),
                group_seats.c.settled_fen > group.price_fen,
            ),
        )
        .order_by(group_seats.c.order_id)
        .limit(SEATS_MAX)
    )
    ids = list(connection.scalars(waiting))
    if ids:
        _give_back(connection, ids, group, at_ms)
        connection.execute(
            update(group_seats)
            .where(group_seats.c.order_id.in_(ids))
            .values(settled_fen=group.price_fen)
        )
    if len(ids) == SEATS_MAX:
        return True
    connection.execute(
        update(price_drops).where(price_drops.c.group_id == group_id).values(settled_at_ms=at_ms)
    )
    return False


def _give_back(connection: Connection, order_ids: list[str], group: Group, at_ms: int) -> None:
    which = ORDERS.where(orders.c.id.in_(order_ids), orders.c.state.not_in(UNDONE_VALUES)).order_by(
        orders.c.id
    )
    found = orders_of(connection, which.with_for_update())
    earlier = refunded_parts(connection, [order.id for order in found])
    refunds = [
        refund
        for order in found
        for refund in refund_of_drop(order, group.price_fen, earlier[order.id])
    ]
    request_part_refunds(connection, found, refunds, at_ms)


def lock_group(connection: Connection, group_id: str) -> Group:
    """Lock a group and return it as it is now."""
    row = connection.execute(GROUPS.where(buying_groups.c.id == group_id).with_for_update())
    return group_of(row.mappings().one())
