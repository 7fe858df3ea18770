"""Campaigns: made, listed and stopped by the head office."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update

from commerce.coupons.campaigns import CouponState, NewCampaign, check
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema import money_transfers, products
from commerce.io.record.schema_coupons import campaigns, coupons, order_discounts
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.views import CampaignView, campaign_view
from commerce.money.transfers import TransferKind

LISTED_MAX = 200


class Campaigns:
    """The campaigns of all brands."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def make(self, brand_id: str, staff_id: str, new: NewCampaign) -> CampaignView:
        """Make a campaign; without a beginning it begins now.

        Raises:
            InvalidField: Something cannot be.
        """
        at_ms, id = self._shop.clock(), self._new_id()
        new = replace(new, from_ms=new.from_ms or at_ms)
        check(new)
        for estate_id in new.estates:
            estate = self._shop.catalogue.estates.get(estate_id)
            if estate is None or self._shop.catalogue.brand_id("estate", estate_id) != brand_id:
                raise InvalidField("estate_ids", f"There is no {estate_id}.")

        def write(connection: Connection) -> CampaignView:
            _check_products(connection, brand_id, new.terms.products)
            taken = campaigns.c.brand_id == brand_id, campaigns.c.code == new.code
            if new.code and connection.scalar(select(campaigns.c.id).where(*taken)):
                raise InvalidField("code", "It is taken.")
            row = {
                "id": id,
                "brand_id": brand_id,
                "name_zh": new.name.zh,
                "name_en": new.name.en,
                "kind": new.kind.value,
                "amount_fen": new.terms.amount_fen,
                "percent": new.terms.percent,
                "cap_fen": new.terms.cap_fen,
                "minimum_fen": new.terms.minimum_fen,
                "products": list(new.terms.products),
                "estates": list(new.estates),
                "from_ms": new.from_ms,
                "until_ms": new.until_ms,
                "valid_s": new.valid_s,
                "budget_fen": new.budget_fen,
                "taken_fen": 0,
                "code": new.code or None,
                "made_at_ms": at_ms,
            }
            connection.execute(insert(campaigns), row)
            record_audit(connection, brand_id, staff_id, "campaign.add", id, None, row, at_ms)
            return _find(connection, brand_id, id)

        async with self._shop.record.write() as connection:
            return await connection.run_sync(write)

    async def stop(self, brand_id: str, staff_id: str, campaign_id: str) -> CampaignView:
        """Give no more coupons of a campaign; those that are claimed hold. Idempotent.

        Raises:
            NotFound: The brand has no such campaign.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> CampaignView:
            before = _find(connection, brand_id, campaign_id)
            if before.stopped_at_ms is not None:
                return before
            stopped = {"stopped_at_ms": at_ms}
            which = campaigns.c.id == campaign_id
            connection.execute(update(campaigns).where(which).values(stopped))
            record_audit(
                connection, brand_id, staff_id, "campaign.stop", campaign_id, None, stopped, at_ms
            )
            return _find(connection, brand_id, campaign_id)

        async with self._shop.record.write() as connection:
            return await connection.run_sync(write)

    async def listed(self, brand_id: str) -> list[CampaignView]:
        """The campaigns of a brand, the newest first."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_all, brand_id)


def _check_products(connection: Connection, brand_id: str, wanted: tuple[str, ...]) -> None:
    known = set(
        connection.scalars(
            select(products.c.id).where(products.c.brand_id == brand_id, products.c.id.in_(wanted))
        )
    )
    for product_id in wanted:
        if product_id not in known:
            raise InvalidField("product_ids", f"There is no {product_id}.")


def _find(connection: Connection, brand_id: str, campaign_id: str) -> CampaignView:
    found = [one for one in _all(connection, brand_id, campaign_id) if one.id == campaign_id]
    if not found:
        raise NotFound("campaign", campaign_id)
    return found[0]


def _all(connection: Connection, brand_id: str, campaign_id: str = "") -> list[CampaignView]:
    which = campaigns.c.brand_id == brand_id
    if campaign_id:
        which &= campaigns.c.id == campaign_id
    rows = connection.execute(
        select(campaigns)
        .where(which)
        .order_by(campaigns.c.made_at_ms.desc(), campaigns.c.id)
        .limit(LISTED_MAX)
    )
    found = {row["id"]: row for row in rows.mappings()}
    counts = _counts(connection, list(found))
    return [campaign_view(row, **counts.get(id, {})) for id, row in found.items()]


def _counts(connection: Connection, ids: list[str]) -> dict[str, dict[str, int]]:
    """What became of the coupons of campaigns: `claimed` counts all that were ever claimed."""

    def in_state(*states: CouponState) -> Any:
        values = [state.value for state in states]
        return func.sum(case((coupons.c.state.in_(values), 1), else_=0))

    rows = connection.execute(
        select(
            coupons.c.campaign_id,
            func.count(),
            in_state(CouponState.HELD, CouponState.USED),
            in_state(CouponState.EXPIRED),
        )
        .where(coupons.c.campaign_id.in_(ids))
        .group_by(coupons.c.campaign_id)
    )
    found = {
        id: {"claimed": claimed, "used": int(used), "expired": int(expired)}
        for id, claimed, used, expired in rows
    }
    off = connection.execute(
        select(coupons.c.campaign_id, func.sum(order_discounts.c.amount_fen))
        .join(order_discounts, order_discounts.c.source == coupons.c.id)
        .where(coupons.c.campaign_id.in_(ids), order_discounts.c.order_id == coupons.c.order_id)
        .group_by(coupons.c.campaign_id)
    )
    for id, fen in off:
        found[id]["off_fen"] = int(fen)
    returned = connection.execute(
        select(coupons.c.campaign_id, func.count())
        .join(money_transfers, money_transfers.c.source == coupons.c.id)
        .where(
            coupons.c.campaign_id.in_(ids),
            money_transfers.c.kind == TransferKind.COUPON_RETURNED.value,
        )
        .group_by(coupons.c.campaign_id)
    )
    for id, count in returned:
        found[id]["returned"] = count
    return found
