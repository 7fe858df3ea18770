"""Campaigns and coupons in both kinds of record."""

import asyncio
from dataclasses import replace
from typing import Any

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
from commerce.errors import NotFound, Refusal, Refused
from commerce.io.audit import audit
from commerce.io.shop.coupons.views import CampaignView
from commerce.io.shop.coupons.wallet import CouponChoice
from commerce.io.shop.orders import Pending, RequestedLine
from commerce.money.accounts import day_of
from commerce.orders.order import order_id_of
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet
from tests.support.commerce_shop import Shop, flash_tap, open_flash, running_shop, shop_plan
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

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


async def buy(
    shop: Shop, guest: str, coupon_id: str, key: str = "key-1234", *, code: str = "", **tap: Any
) -> OrderView:
    """A tea and two pears with a coupon, or what `tap` says."""
    wanted = shop.tap(guest, key=key, price=990, **tap)
    if not tap:
        wanted = replace(wanted, further=(RequestedLine("pear", 2, 800),))
    lines = [
        (line.product_id, line.quantity * (line.expected_price_fen or 0)) for line in wanted.lines
    ]
    choice = CouponChoice(guest, "e1", order_id_of(guest, key), coupon_id, code)
    coupon = await shop.commerce.coupons.wallets.apply(choice, lines)
    placed = await shop.commerce.orders.place(replace(wanted, coupon=coupon))
    assert not isinstance(placed, Pending)
    return placed


async def test_one_order_takes_a_coupon_and_gives_it_back_when_it_is_cancelled(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(20)) as shop:
        wallets, fulfilment = shop.commerce.coupons.wallets, shop.commerce.fulfilment
        new = await made(shop, budget_fen=500)
        anna, bo = [await neighbour(shop, name) for name in ("anna", "bo")]
        coupon = await wallets.claim(new.id, anna, "e1")
        with pytest.raises(NotFound):
            await buy(shop, bo, coupon.id)
        answers = await asyncio.gather(
            *(buy(shop, anna, coupon.id, f"key-{n}000") for n in range(4)), return_exceptions=True
        )
        [order] = [one for one in answers if isinstance(one, OrderView)]
        refused = [one.refusal for one in answers if isinstance(one, Refused)]
        assert refused == [Refusal.COUPON_TAKEN] * 3
        assert (order.discount_fen, order.total_fen) == (500, 990 + 1_600 - 500)
        assert [line.total_fen for line in order.lines] == [990 - 191, 1_600 - 309]
        assert (await wallets.wallet(anna, "e1")).coupons[0].state is CouponState.USED

        await fulfilment.move(order.id, OrderState.CANCELLED, "u1")
        [mine] = (await wallets.wallet(anna, "e1")).coupons
        assert (mine.state, mine.order_id) == (CouponState.CLAIMED, None)
        await wait_until(lambda: shop.seen(order.id).refunded_fen == 2_090, what="the refund")
        await quiet(shop)
        with pytest.raises(Refused, match="unfit"):
            await wallets.apply(CouponChoice(anna, "e1", "", coupon.id), [("tea", 899)])
        again = await buy(shop, anna, coupon.id, "key-8000")
        for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
            await fulfilment.move(again.id, state, "u1")
        ready = (await shop.commerce.orders.mine(anna))[0]
        assert ready.pickup
        await fulfilment.hand_over("s1", ready.pickup.code, "u1")
        [listed] = await shop.commerce.coupons.campaigns.listed("b")
        counts = (listed.claimed, listed.used, listed.returned, listed.off_fen, listed.taken_fen)
        assert counts == (1, 1, 1, 500, 500)
        day = day_of(shop.clock())
        balance = await shop.commerce.books.trial_balance("b", day)
        found = {one.account: one.balance_fen for one in balance.accounts}
        assert balance.sum_fen == 0
        assert found["discount:s1"] == -500
        assert found["coupons"] == found[f"campaign:{new.id}"] == 0
        assert await audit(shop.engine) == []


async def test_a_code_is_claimed_by_the_order_that_it_fits(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(20)) as shop:
        new = await made(shop, kind=CampaignKind.CODE, code="SPRING26", budget_fen=500)
        anna, bo = [await neighbour(shop, name) for name in ("anna", "bo")]
        assert (await shop.commerce.coupons.wallets.wallet(anna, "e1")).offers == []
        [offer] = (await shop.commerce.coupons.wallets.wallet(anna, "e1", "spring-26")).offers
        assert offer.campaign_id == new.id
        with pytest.raises(NotFound):
            await buy(shop, anna, "", code="WINTER")
        order = await buy(shop, anna, "", code="spring 26")
        assert (await buy(shop, anna, "", code="spring 26")).id == order.id
        with pytest.raises(CouponRefused, match="gone"):
            await buy(shop, bo, "", code="SPRING26")
        assert await audit(shop.engine) == []


async def test_a_coupon_is_held_while_its_order_waits_for_the_group(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(20, target=2)) as shop:
        wallets = shop.commerce.coupons.wallets
        new = await made(shop, terms=Terms(100))
        anna, bo = [await neighbour(shop, name) for name in ("anna", "bo")]
        await shop.commerce.groups.pin("demo", "pear", None)
        await quiet(shop)
        group = await shop.commerce.gates.of("b").open_group("e1", "pear")
        coupon = await wallets.claim(new.id, anna, "e1")
        wanted = shop.tap(anna, "pear", price=600, group=group)
        choice = CouponChoice(anna, "e1", order_id_of(anna, wanted.key), coupon.id)
        applied = await wallets.apply(choice, [("pear", 600)])
        order = await shop.commerce.orders.place(replace(wanted, coupon=applied))
        assert isinstance(order, OrderView)
        assert (order.state, order.total_fen) == (OrderState.WAITING_GROUP, 500)
        assert (await wallets.wallet(anna, "e1")).coupons[0].state is CouponState.HELD
        await shop.commerce.orders.place(shop.tap(bo, "pear", group=group))
        assert (await wallets.wallet(anna, "e1")).coupons[0].state is CouponState.USED
        assert await audit(shop.engine) == []


async def test_a_coupon_comes_off_the_flash_price_and_a_flash_sale_off_no_group(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(20, target=2)) as shop:
        wallets = shop.commerce.coupons.wallets
        new = await made(shop, terms=Terms(300, minimum_fen=500))
        anna = await neighbour(shop, "anna")
        sale = await open_flash(shop, "pear", price_fen=500)
        await shop.commerce.groups.pin("demo", "pear", None)
        await quiet(shop)
        coupon = await wallets.claim(new.id, anna, "e1")
        wanted = replace(flash_tap(shop, sale, anna), expected_price_fen=500)
        choice = CouponChoice(anna, "e1", order_id_of(anna, wanted.key), coupon.id)
        with pytest.raises(Refused, match="unfit"):
            await wallets.apply(choice, [("pear", 499)])
        applied = await wallets.apply(choice, [("pear", 500)])
        order = await shop.commerce.orders.place(replace(wanted, coupon=applied))
        assert isinstance(order, OrderView)
        assert (order.group, order.discount_fen, order.total_fen) == (None, 300, 200)
        assert await audit(shop.engine) == []


async def test_a_room_gives_its_pieces_to_who_taps_first(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(20)) as shop:
        releases, wallets = shop.commerce.coupons.releases, shop.commerce.coupons.wallets
        new = await made(shop, kind=CampaignKind.ROOM, budget_fen=5_000)
        [choice] = await releases.choices("demo")
        assert (choice.campaign_id, choice.left) == (new.id, 10)
        with pytest.raises(NotFound):
            await wallets.claim(new.id, await neighbour(shop, "x"), "e1")
        release = await releases.open("demo", "u1", new.id, 2, 60)
        guests = [await neighbour(shop, f"n{n}") for n in range(4)]
        answers = await asyncio.gather(
            *(releases.claim("demo", release.id, guest, "e1") for guest in guests),
            return_exceptions=True,
        )
        given = [one for one in answers if not isinstance(one, BaseException)]
        assert len(given) == 2
        first = guests[answers.index(given[0])]
        assert await releases.claim("demo", release.id, first, "e1") == given[0]
        await wait_until(lambda: _left(shop) == 0, what="the room")
        second = await releases.open("demo", "u1", new.id, 1, 60)
        await releases.claim("demo", second.id, first, "e1")
        assert len((await wallets.wallet(first, "e1")).coupons) == 2
        closed = await releases.close("demo", second.id)
        with pytest.raises(CouponRefused, match="ended"):
            await releases.claim("demo", second.id, guests[3], "e1")
        assert closed.left == 0
        assert await audit(shop.engine) == []


def _left(shop: Shop) -> int | None:
    release = shop.feed.releases.get("demo")
    return release.left if release else None


async def test_who_stays_in_a_room_for_five_minutes_may_claim(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5)) as shop:
        coupons = shop.commerce.coupons
        new = await made(shop, kind=CampaignKind.STAY)
        anna = await neighbour(shop, "anna")
        assert await coupons.stays.seen("demo", anna) == 0
        shop.clock.ahead_ms += 299_000
        stayed_s = await coupons.stays.seen("demo", anna)
        with pytest.raises(CouponRefused, match="early"):
            await coupons.wallets.claim(new.id, anna, "e1", stayed_s=stayed_s)
        shop.clock.ahead_ms += 2_000
        stayed_s = await coupons.stays.stayed_s("demo", anna)
        assert (await coupons.wallets.claim(new.id, anna, "e1", stayed_s=stayed_s)).terms.rule
        assert await coupons.stays.stayed_s("other", anna) == 0
