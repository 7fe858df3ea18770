"""Goods go to their buyer: what every way of handing over does, in the caller's transaction."""

from dataclasses import replace
from typing import NoReturn

from sqlalchemy import Connection, select, update

from commerce.errors import AlreadyHandedOver, AtOtherStore, NotReadyYet, UnknownCode
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import hand_over, move_order
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rows import HOUSEHOLD, ORDERS
from commerce.io.record.schema import orders, pickup_codes, stores
from commerce.orders.order import OrderRow
from commerce.orders.promise import Fulfilment
from commerce.orders.states import OrderState


def redeem(connection: Connection, store_id: str, code: str, at_ms: int) -> list[OrderRow]:
    """Use up a code, and those of all else that its household collects here; return the orders.

    That of the code comes first.

    Raises:
        UnknownCode, AtOtherStore, AlreadyHandedOver, NotReadyYet: See `Fulfilment.hand_over`.
    """
    here = (pickup_codes.c.store_id == store_id, pickup_codes.c.code == code)
    of_code = select(pickup_codes.c.order_id).where(*here)
    named = next(iter(orders_of(connection, ORDERS.where(orders.c.id.in_(of_code)))), None)
    if named is None:
        _look_elsewhere(connection, store_id, code)
    ready = lock_ready(connection, named.household, store_id=store_id)
    given = [order for order in ready if order.id == named.id]
    if not given:
        redeemed_at_ms = connection.scalar(select(pickup_codes.c.redeemed_at_ms).where(*here))
        raise AlreadyHandedOver(redeemed_at_ms) if redeemed_at_ms is not None else NotReadyYet
    given += [
        order for order in ready if order.id != named.id and order.fulfilment is Fulfilment.PICKUP
    ]
    connection.execute(
        update(pickup_codes)
        .where(pickup_codes.c.order_id.in_([order.id for order in given]))
        .values(redeemed_at_ms=at_ms)
    )
    return given


def _look_elsewhere(connection: Connection, store_id: str, code: str) -> NoReturn:
    """Say which store of the brand has a code that this one does not have."""
    own_brand = select(stores.c.brand_id).where(stores.c.id == store_id).scalar_subquery()
    elsewhere = connection.scalar(
        select(pickup_codes.c.store_id)
        .join(stores, stores.c.id == pickup_codes.c.store_id)
        .where(
            pickup_codes.c.code == code,
            pickup_codes.c.redeemed_at_ms.is_(None),
            stores.c.brand_id == own_brand,
        )
        .order_by(pickup_codes.c.created_at_ms.desc())
        .limit(1)
    )
    if elsewhere is None:
        raise UnknownCode
    raise AtOtherStore(elsewhere)


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


def lock_ready(
    connection: Connection,
    household_id: str,
    *,
    estate_id: str | None = None,
    store_id: str | None = None,
    fulfilment: str | None = None,
    out: bool = False,
) -> list[OrderRow]:
    """Lock what is ready for a household with its codes, so that nobody else gets it.

    With `out`, also what is on its way to the household's door.
    """
    states = {OrderState.READY, OrderState.OUT} if out else {OrderState.READY}
    which = [
        HOUSEHOLD == household_id,
        orders.c.state.in_([state.value for state in states]),
        pickup_codes.c.redeemed_at_ms.is_(None),
    ]
    if estate_id is not None:
        which.append(orders.c.estate_id == estate_id)
    if store_id is not None:
        which.append(orders.c.store_id == store_id)
    if fulfilment is not None:
        which.append(orders.c.fulfilment == fulfilment)
    locked = connection.execute(
        select(pickup_codes.c.order_id)
        .join(orders, orders.c.id == pickup_codes.c.order_id)
        .where(*which)
        .order_by(pickup_codes.c.store_id, pickup_codes.c.code)
        .with_for_update(of=pickup_codes)
    )
    ids = [order_id for (order_id,) in locked]
    found = ORDERS.where(orders.c.id.in_(ids)).order_by(orders.c.id).with_for_update()
    return [row for row in orders_of(connection, found) if row.state in states]


def _give(
    connection: Connection, order: OrderRow, to: OrderState, moved_by: str, at_ms: int
) -> None:
    move_order(connection, order, to, moved_by, at_ms)
    hand_over(connection, order, at_ms)
    enqueue(connection, Topic.ORDER, [order.id], at_ms)
