"""Campaigns and coupons in both kinds of record."""

import asyncio
from dataclasses import replace

import pytest

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import (
    CampaignKind,
    CouponRefused,
    CouponsRefused,
    CouponState,
    NewCampaign,
)
from commerce.coupons.terms import Terms
from commerce.io.audit import audit
from commerce.io.shop.coupons.views import CampaignView
from tests.support.commerce_shop import Shop, running_shop, shop_plan

DAY_MS = 86_400_000


def campaign(shop: Shop, **values: object) -> NewCampaign:
    """Five yuan off for newcomers, three coupons' worth of budget."""
    at_ms = shop.clock()
    new = NewCampaign(
        Text("新邻居", "Newcomer"),
        CampaignKind.NEWCOMER,
        Terms(500, minimum_fen=900),
        (),
        at_ms,
        at_ms + DAY_MS,
        3_600,
        1_500,
    )
    return replace(new, **values)  # type: ignore[arg-type]  # fields by name


async def made(shop: Shop, **values: object) -> CampaignView:
    """A campaign of the shop's brand."""
    return await shop.commerce.coupons.campaigns.make("b", "u1", campaign(shop, **values))


async def neighbour(shop: Shop, nickname: str) -> str:
    """A new guest of estate e1."""
    return (await shop.commerce.people.add_guest(nickname, "e1")).guest.id


async def test_coupons_never_pass_the_budget_whoever_claims_at_once(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5)) as shop:
        wallets = shop.commerce.coupons.wallets
        new = await made(shop)
        guests = [await neighbour(shop, f"n{n}") for n in range(6)]
        claims = [wallets.claim(new.id, guest, "e1") for guest in guests for _ in range(2)]
        answers = await asyncio.gather(*claims, return_exceptions=True)
        given = {one.id for one in answers if not isinstance(one, BaseException)}
        assert len(given) == 3
        refused = [one for one in answers if isinstance(one, CouponRefused)]
        assert {one.reason for one in refused} == {CouponsRefused.GONE}
        [listed] = await shop.commerce.coupons.campaigns.listed("b")
        assert (listed.taken_fen, listed.claimed) == (1_500, 3)
        assert (await wallets.wallet(guests[0], "e1")).offers == []

        shop.clock.ahead_ms += 3_601_000
        while await wallets.step():
            pass
        [listed] = await shop.commerce.coupons.campaigns.listed("b")
        assert (listed.taken_fen, listed.expired) == (0, 3)
        stopped = await shop.commerce.coupons.campaigns.stop("b", "u1", new.id)
        assert stopped.stopped_at_ms is not None
        with pytest.raises(CouponRefused, match="ended"):
            await wallets.claim(new.id, await neighbour(shop, "late"), "e1")
        mine = await asyncio.gather(*(wallets.wallet(guest, "e1") for guest in guests))
        states = [coupon.state for wallet in mine for coupon in wallet.coupons]
        assert states == [CouponState.EXPIRED] * 3
        assert await audit(shop.engine) == []
