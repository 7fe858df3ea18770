"""Rows of campaigns and coupons: claimed, taken by orders, given back, ended.

Every function runs inside the caller's transaction, and each change of a coupon is booked beside
it. Locks are taken in the order release, campaign, coupon; orders come after coupons.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from commerce.coupons.campaigns import (
    RETURNED_MS,
    Coupon,
    CouponRefused,
    CouponsRefused,
    CouponState,
)
from commerce.io.record.intent_rows import honoured_orders
from commerce.io.record.postings import Topic, enqueue, post_transfers
from commerce.io.record.schema_coupons import (
    campaigns,
    coupon_releases,
    coupons,
    order_discounts,
)
from commerce.money.transfers import coupon_expired, coupon_issued, coupon_returned, coupon_used
from commerce.orders.order import OrderRow
from commerce.orders.states import WAITING

ENDED_MAX = 500  # coupons per transaction
AGAIN = ":again"  # marks the transfers of an order that took its coupon a second time
DISCOUNT = "coupon"  # the kind of discount that a coupon gives


def claim_coupon(connection: Connection, row: dict[str, Any], brand_id: str) -> None:
    """Write a coupon, taking its piece of a release and its value of the campaign's budget.

    Raises:
        CouponRefused: No piece or no budget is left, or the campaign is stopped.
        IntegrityError: The household claims at this moment on another device.
    """
    campaign_id, value_fen, at_ms = row["campaign_id"], row["value_fen"], row["claimed_at_ms"]
    if row["release_id"]:
        piece = (
            update(coupon_releases)
            .where(
                coupon_releases.c.id == row["release_id"],
                coupon_releases.c.claimed < coupon_releases.c.pieces,
                coupon_releases.c.closes_at_ms > at_ms,
            )
            .values(claimed=coupon_releases.c.claimed + 1)
        )
        if not connection.execute(piece).rowcount:
            raise CouponRefused(CouponsRefused.GONE)
    budget = (
        update(campaigns)
        .where(
            campaigns.c.id == campaign_id,
            campaigns.c.taken_fen + value_fen <= campaigns.c.budget_fen,
            campaigns.c.stopped_at_ms.is_(None),
        )
        .values(taken_fen=campaigns.c.taken_fen + value_fen)
    )
    if not connection.execute(budget).rowcount:
        raise CouponRefused(CouponsRefused.GONE)
    connection.execute(insert(coupons), row)
    post_transfers(connection, [coupon_issued(row["id"], campaign_id, brand_id, value_fen, at_ms)])


def end_coupons(connection: Connection, at_ms: int) -> int:
    """Expire coupons that nobody used in time; their budget is free again. Return how many."""
    found = connection.execute(
        select(coupons.c.id, coupons.c.campaign_id, coupons.c.value_fen, campaigns.c.brand_id)
        .join(campaigns, campaigns.c.id == coupons.c.campaign_id)
        .where(
            coupons.c.state == CouponState.CLAIMED.value,
            coupons.c.expires_at_ms <= at_ms,
        )
        .order_by(coupons.c.id)
        .limit(ENDED_MAX)
        .with_for_update(of=coupons, skip_locked=True)
    ).all()
    if not found:
        return 0
    ids = [row.id for row in found]
    move_coupons(connection, coupons.c.id.in_(ids), CouponState.CLAIMED, CouponState.EXPIRED)
    freed: dict[str, int] = {}
    for row in found:
        freed[row.campaign_id] = freed.get(row.campaign_id, 0) + row.value_fen
    for campaign_id, fen in sorted(freed.items()):
        which = campaigns.c.id == campaign_id
        left = campaigns.c.taken_fen - fen
        connection.execute(update(campaigns).where(which).values(taken_fen=left))
    post_transfers(
        connection,
        [
            coupon_expired(row.id, row.campaign_id, row.brand_id, row.value_fen, at_ms)
            for row in found
        ],
    )
    return len(found)


def move_coupons(
    connection: Connection,
    which: ColumnElement[bool],
    state: CouponState,
    to: CouponState,
    **values: object,
) -> list[str]:
    """Move those coupons of `which` that are in `state`; return their ids."""
    moved = connection.scalars(
        update(coupons)
        .where(which, coupons.c.state == state.value)
        .values(state=to.value, **values)
        .returning(coupons.c.id)
    )
    return list(moved)


def lock_coupons(connection: Connection, ids: Collection[str]) -> dict[str, Coupon]:
    """Lock coupons until the transaction ends, and return them."""
    if not ids:
        return {}
    rows = connection.execute(
        select(coupons).where(coupons.c.id.in_(ids)).order_by(coupons.c.id).with_for_update()
    )
    return {
        row.id: Coupon(
            row.id,
            row.campaign_id,
            row.household_id,
            CouponState(row.state),
            row.value_fen,
            row.expires_at_ms,
        )
        for row in rows
    }


def take_coupons(connection: Connection, new: Sequence[OrderRow], taken: Mapping[str, str]) -> None:
    """Write what coupons took off new orders, whose rows are written; `taken` is by order.

    An order that was refused keeps its discount, and gets no coupon.
    """
    rows = []
    for order in new:
        coupon_id = taken.get(order.id)
        if coupon_id is None:
            continue
        key = {"order_id": order.id, "kind": DISCOUNT, "source": coupon_id}
        rows += [
            {**key, "line": number, "amount_fen": line.discount_fen}
            for number, line in enumerate(order.all_lines)
            if line.discount_fen
        ]
        if order.refused is None:
            which = coupons.c.id == coupon_id
            held = CouponState.HELD
            move_coupons(connection, which, CouponState.CLAIMED, held, order_id=order.id)
    if rows:
        connection.execute(insert(order_discounts), rows)
        gone_on = [order.id for order in new if order.state not in WAITING]
        use_coupons(connection, gone_on)


def use_coupons(connection: Connection, order_ids: Collection[str]) -> None:
    """Orders that took coupons go to their stores."""
    which = coupons.c.order_id.in_(order_ids)
    move_coupons(connection, which, CouponState.HELD, CouponState.USED)


def coupon_of(connection: Connection, order_id: str) -> str:
    """Return the coupon that came off an order, "" if none did."""
    query = select(order_discounts.c.source).where(
        order_discounts.c.order_id == order_id, order_discounts.c.kind == DISCOUNT
    )
    return connection.scalar(query.limit(1)) or ""


def retake_coupon(connection: Connection, order: OrderRow, coupon_id: str, at_ms: int) -> bool:
    """Have an order take the coupon again that it gave back; False if that is not there any more.

    The caller has locked the order.
    """
    coupon = lock_coupons(connection, [coupon_id]).get(coupon_id)
    if (
        coupon is None
        or coupon.state is not CouponState.CLAIMED
        or coupon.household_id != order.household
        or coupon.expires_at_ms <= at_ms
    ):
        return False
    which = coupons.c.id == coupon_id
    move_coupons(connection, which, CouponState.CLAIMED, CouponState.HELD, order_id=order.id)
    used = coupon_used(order.id, coupon_id, coupon.campaign_id, coupon.value_fen, at_ms)
    post_transfers(connection, [replace(used, source=f"{coupon_id}{AGAIN}")])
    return True


def give_back_coupons(connection: Connection, order_ids: Collection[str], at_ms: int) -> None:
    """Orders that took coupons were cancelled: households have them again, for a day at least."""
    rows = connection.execute(
        select(coupons).where(coupons.c.order_id.in_(order_ids)).order_by(coupons.c.id)
    ).all()
    for row in rows:
        move_coupons(
            connection,
            coupons.c.id == row.id,
            CouponState(row.state),
            CouponState.CLAIMED,
            order_id=None,
            expires_at_ms=max(row.expires_at_ms, at_ms + RETURNED_MS),
        )
    again = honoured_orders(connection, [row.order_id for row in rows])
    returned = [
        (row, coupon_returned(row.order_id, row.id, row.campaign_id, row.value_fen, at_ms))
        for row in rows
    ]
    post_transfers(
        connection,
        [
            replace(each, source=f"{row.id}{AGAIN}") if row.order_id in again else each
            for row, each in returned
        ],
    )
    enqueue(connection, Topic.COUPON, [f"{row.id}|{row.order_id}" for row in rows], at_ms)


def keep_for_household(connection: Connection, members: Collection[str], into: str) -> None:
    """Coupons of these ids belong to a household, unless it has had one of that campaign."""
    had = select(coupons.c.campaign_id).where(coupons.c.household_id == into)
    theirs = connection.execute(
        select(coupons.c.id, coupons.c.campaign_id)
        .where(
            coupons.c.household_id.in_(members),
            coupons.c.household_id != into,
            coupons.c.campaign_id.not_in(had),
        )
        .order_by(coupons.c.state, coupons.c.id)
    )
    first: dict[str, str] = {}
    for coupon_id, campaign_id in theirs:
        first.setdefault(campaign_id, coupon_id)
    connection.execute(
        update(coupons).where(coupons.c.id.in_(first.values())).values(household_id=into, n=1)
    )
