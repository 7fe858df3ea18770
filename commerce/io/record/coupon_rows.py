"""Rows of campaigns and coupons: claimed, taken by orders, given back, ended.

Every function runs inside the caller's transaction, and each change of a coupon is booked beside
it. Locks are taken in the order release, campaign, coupon; orders come after coupons.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from commerce.coupons.campaigns import (
    CouponRefused,
    CouponsRefused,
    CouponState,
)
from commerce.io.record.postings import post_transfers
from commerce.io.record.schema_coupons import campaigns, coupon_releases, coupons
from commerce.money.transfers import coupon_expired, coupon_issued

ENDED_MAX = 500  # coupons per transaction


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
