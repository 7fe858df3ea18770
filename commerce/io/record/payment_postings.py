"""What happened to an intent, booked with its order: the seat, the money, the units (postings.py).

Every function runs inside the caller's transaction, and locks what it needs in the order of
locks.py; the intent comes after its order.
"""

from dataclasses import replace

from sqlalchemy import Connection, select

from commerce.groups.group import EXPIRY_GRACE_MS, GOES_ON, JOINABLE, Group, GroupState
from commerce.io.record.coupon_rows import coupon_of, retake_coupon
from commerce.io.record.intent_rows import (
    BookedEvent,
    find_intent,
    insert_event,
    live_actions,
    move_intent,
    own_event,
)
from commerce.io.record.locks import lock_order
from commerce.io.record.order_postings import (
    cancel_orders,
    move_order,
    move_orders,
    place_groups,
    retake,
    take_money,
    undo_orders,
)
from commerce.io.record.postings import PLACED, Topic, enqueue, free_units
from commerce.io.record.price_drops import lock_group, unsettle
from commerce.io.record.quotas import lock_quotas
from commerce.io.record.refund_postings import request_refunds
from commerce.io.record.schema import group_seats, orders
from commerce.io.record.seats import complete_groups, take_seats
from commerce.io.record.slots import lock_slots
from commerce.money.intents import (
    Intent,
    IntentEvent,
    IntentState,
    may_be_honoured,
    next_query_ms,
    step,
)
from commerce.orders.lines import Needs
from commerce.orders.order import OrderRow
from commerce.orders.promise import window_of
from commerce.orders.states import OrderState, due_at_ms

MOVED_BY = "payment"
UNPAID = "not-paid"  # why units went back
NO_SEAT = "group-closed"  # why money went back: the group ended, or the household has a seat
PAID_LATE = "paid-late"  # and there was no room any more


def book_event(
    connection: Connection, intent_id: str, event: BookedEvent, now_ms: int
) -> IntentState:
    """Book an event once; what comes again, or too late to change anything, is only kept.

    Returns:
        The state of the intent after it.
    """
    intent = find_intent(connection, intent_id)
    assert intent
    order = lock_order(connection, intent.order_id, group=True, stock=True)
    intent = find_intent(connection, intent_id, lock=True)
    assert intent
    if not insert_event(connection, intent_id, event):
        return intent.state
    to = step(intent.state, event.kind)
    if to is intent.state:
        return to
    moved = replace(intent, state=to, queries=0)
    move_intent(connection, intent, to, next_query_ms(moved, now_ms))
    if to is IntentState.PAID:
        _pay(connection, order, now_ms)
    elif to in (IntentState.EXPIRED, IntentState.FAILED):
        _expire(connection, order, now_ms)
    elif to is IntentState.PAID_LATE:
        return _pay_late(connection, moved, order, now_ms)
    else:
        enqueue(connection, Topic.ORDER, [order.id], now_ms)
    return to


def expire_intent(connection: Connection, intent_id: str, now_ms: int) -> bool:
    """Let an intent expire that is overdue; whether it did."""
    intent = find_intent(connection, intent_id)
    if intent is None or intent.expires_at_ms > now_ms:
        return False
    event = own_event(intent_id, IntentEvent.EXPIRED, now_ms)
    return book_event(connection, intent_id, event, now_ms) is IntentState.EXPIRED


def give_up(connection: Connection, order: OrderRow, moved_by: str, at_ms: int) -> None:
    """Cancel an order that waits for its payment; the caller has locked it with what it holds."""
    for intent, _ in live_actions(connection, [order.id]).values():
        insert_event(connection, intent.id, own_event(intent.id, IntentEvent.EXPIRED, at_ms))
        move_intent(connection, intent, IntentState.EXPIRED, at_ms)
    cancel_orders(connection, [order], UNPAID, moved_by, at_ms)


def _expire(connection: Connection, order: OrderRow, at_ms: int) -> None:
    assert order.state is OrderState.WAITING_PAYMENT
    undo_orders(connection, [order], OrderState.EXPIRED, UNPAID, MOVED_BY, at_ms)


def _pay(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """The order goes on; without a seat in its group the money goes back."""
    assert order.state is OrderState.WAITING_PAYMENT
    paid = take_money(connection, order, at_ms)
    group = lock_group(connection, order.group_id) if order.group_id else None
    if group and not _has_seat(connection, group, order, at_ms):
        cancel_orders(connection, [paid], NO_SEAT, MOVED_BY, at_ms)
        return
    _go_on(connection, paid, group, at_ms)


def _pay_late(connection: Connection, intent: Intent, order: OrderRow, at_ms: int) -> IntentState:
    """The units went back on sale: what can be taken up again waits for it, the rest goes back."""
    paid = take_money(connection, order, at_ms)
    if may_be_taken_up(paid) and may_be_honoured(intent, at_ms):
        enqueue(connection, Topic.ORDER, [order.id], at_ms)
        return intent.state
    return _refund_late(connection, intent, paid, at_ms)


def may_be_taken_up(order: OrderRow) -> bool:
    """Whether an order that was paid late may have its units again."""
    return order.state is OrderState.EXPIRED


def refund_late(connection: Connection, intent_id: str, at_ms: int) -> bool:
    """Have a late payment go back for which there is no room; False if it is decided already."""
    found = _lock_late(connection, intent_id)
    if found is None:
        return False
    intent, order = found
    _refund_late(connection, intent, order, at_ms)
    enqueue(connection, Topic.READMIT, [order.id], at_ms, 0)
    return True


def honour(connection: Connection, intent_id: str, slot: str, quotas: Needs, at_ms: int) -> bool:
    """Take an order up again whose units the gate holds, or give its payment back.

    The record may have less than the gate: that lost a hold, or a group ended meanwhile. `quotas`
    are the units of a flash sale that still runs; the coupon is taken again that came off it.

    Returns:
        Whether it was taken up now.
    """
    found = _lock_late(connection, intent_id, slot)
    if found is None:
        return False
    intent, order = found
    group = lock_group(connection, order.group_id) if order.group_id else None
    if (
        not _has_units(connection, order, slot, quotas)
        or (group and not _has_seat(connection, group, order, at_ms))
        or not _has_coupon(connection, order, at_ms)
    ):
        refund_late(connection, intent_id, at_ms)
        return False
    insert_event(connection, intent.id, own_event(intent.id, IntentEvent.HONOURED, at_ms))
    move_intent(connection, intent, IntentState.HONOURED, None)
    _go_on(connection, retake(connection, order, slot, quotas, at_ms), group, at_ms)
    enqueue(connection, Topic.READMIT, [order.id], at_ms, 1)
    return True


def _refund_late(
    connection: Connection, intent: Intent, order: OrderRow, at_ms: int
) -> IntentState:
    to = IntentState.REFUNDING
    insert_event(connection, intent.id, own_event(intent.id, IntentEvent.REFUNDING, at_ms))
    move_intent(connection, intent, to, None)
    request_refunds(connection, [(order, PAID_LATE)], at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)
    return to


def _lock_late(
    connection: Connection, intent_id: str, slot: str = ""
) -> tuple[Intent, OrderRow] | None:
    """Lock a late payment and its order with what that takes, and a slot; None if it is decided."""
    intent = find_intent(connection, intent_id)
    assert intent
    order = lock_order(connection, intent.order_id, group=True, stock=True, slot=slot)
    intent = find_intent(connection, intent_id, lock=True)
    assert intent
    return (intent, order) if intent.state is IntentState.PAID_LATE else None


def _has_coupon(connection: Connection, order: OrderRow, at_ms: int) -> bool:
    """Take the coupon of an order again, if one came off it and its household still has it."""
    coupon_id = coupon_of(connection, order.id) if order.discount_fen else ""
    return not coupon_id or retake_coupon(connection, order, coupon_id, at_ms)


def _has_units(connection: Connection, order: OrderRow, slot: str, quotas: Needs) -> bool:
    """Whether the record has what an order needs; the caller has locked it."""
    free = free_units(connection, order.store_id, [item_id for item_id, _ in order.taken])
    places = lock_slots(connection, {(order.store_id, slot)} if slot else ())
    of_sale = lock_quotas(connection, {name for name, _ in quotas})
    return (
        all(free.get(item_id, 0) >= units for item_id, units in order.taken)
        and (not slot or places.get((order.store_id, slot), 0) > 0)
        and all(of_sale.get(name, 0) >= units for name, units in quotas)
    )


def _has_seat(connection: Connection, group: Group, order: OrderRow, at_ms: int) -> bool:
    if group.state not in JOINABLE or at_ms >= group.ends_at_ms + EXPIRY_GRACE_MS:
        return False
    taken = select(group_seats.c.order_id).where(
        group_seats.c.group_id == group.id, group_seats.c.household_id == order.household
    )
    return connection.scalar(taken) is None


def _go_on(connection: Connection, order: OrderRow, group: Group | None, at_ms: int) -> None:
    """A paid order goes to its store, or waits for its group, which it may complete."""
    moved_on: list[str] = []
    if group is None:
        due_ms = window_of(order.slot).until_ms if order.slot else due_at_ms(at_ms)
        _to_store(connection, order, at_ms, due_ms)
    else:
        if group.state in GOES_ON:
            _to_store(connection, order, at_ms, due_at_ms(at_ms))
            moved_on = [order.id]
        else:
            move_order(connection, order, OrderState.WAITING_GROUP, MOVED_BY, at_ms)
        full = group.state is GroupState.OPEN and group.joined + 1 >= group.target
        reached = {group.id: at_ms} if full else {}
        moved_on += complete_groups(connection, {group.id: 1}, reached)
        take_seats(connection, [replace(order, state=OrderState.WAITING_GROUP)])
        place_groups(connection, moved_on, at_ms)
        unsettle(connection, [group.id])
        enqueue(connection, Topic.GROUP, [group.id], at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms, PLACED)
    enqueue(connection, Topic.ORDER, sorted({*moved_on} - {order.id}), at_ms)


def _to_store(connection: Connection, order: OrderRow, at_ms: int, due_ms: int) -> None:
    which = (orders.c.id == order.id) & (orders.c.version == order.version)
    moved = move_orders(
        connection, which, order.state, OrderState.NEW, MOVED_BY, at_ms, due_at_ms=due_ms
    )
    assert moved
