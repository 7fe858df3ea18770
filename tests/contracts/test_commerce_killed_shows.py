"""A worker dies after any effect of a flash sale, a coupon or a draw; the next one goes on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import Redis
from sqlalchemy import text

from commerce.activities.draws import REVEAL_AFTER_MS, DrawState, drawn
from commerce.catalogue.values import Text
from commerce.coupons.campaigns import CampaignKind, CouponRefused, CouponState, NewCampaign
from commerce.coupons.terms import Terms
from commerce.flash.sale import RIGHT_GRACE_MS, RIGHT_MS, WaitingState
from commerce.io.shop.activities.draws import DrawRequest
from commerce.io.shop.coupons.wallet import CouponChoice
from commerce.orders.order import order_id_of
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, TestClock, flash_tap, open_flash
from tests.support.killed_workers import ENDLESS, Story, buy, cancel, live, work_off

DAY_MS = 86_400_000
EFFECTS_MAX = 1_000


async def flash_sale(shop: Shop) -> None:
    """Two units for four: one comes back, and goes down the waiting list, past who lets it be."""
    flash = shop.commerce.activities.flash
    sale = await flash.shown("demo") or await open_flash(shop, units=2)
    await work_off(shop)
    anna, bo = [await buy(shop, flash_tap(shop, sale, name)) for name in ("anna", "bo")]
    assert anna and bo
    for name in ("cai", "dan"):
        if await flash.waiting_of("demo", sale.id, name) is None:
            assert await buy(shop, flash_tap(shop, sale, name, f"early-{name}")) is None
            await flash.wait_for("demo", sale.id, name)
    await cancel(shop, anna.id)
    assert await buy(shop, flash_tap(shop, sale, "dan", "not-yet-dan")) is None
    cai = await flash.waiting_of("demo", sale.id, "cai")
    if cai and cai.state is WaitingState.OFFERED:
        shop.clock.ahead_ms += RIGHT_MS + RIGHT_GRACE_MS
    await flash.pass_on_lapsed()
    await work_off(shop)
    assert await buy(shop, flash_tap(shop, sale, "cai", "late-cai")) is None
    dan = await buy(shop, flash_tap(shop, sale, "dan"))
    assert dan
    await flash.end("demo", sale.id, actor="u1")
    await work_off(shop)
    shop.clock.ahead_ms += RIGHT_GRACE_MS
    await flash.close_ended()
    await work_off(shop)
    states = [await flash.waiting_of("demo", sale.id, name) for name in ("cai", "dan")]
    assert [one and one.state for one in states] == [WaitingState.LAPSED, WaitingState.TAKEN]
    assert await sold(shop) == {"anna": 0, "bo": sale.price_fen, "dan": sale.price_fen}


async def coupons(shop: Shop) -> None:
    """Two coupons for three: held, used, given back, used again; one expires for the third."""
    campaigns, wallets = shop.commerce.coupons.campaigns, shop.commerce.coupons.wallets
    at_ms = shop.clock()
    known = await campaigns.listed("b")
    new = NewCampaign(
        Text("新邻居", "Newcomer"),
        CampaignKind.NEWCOMER,
        Terms(100),
        (),
        at_ms,
        at_ms + DAY_MS,
        3_600,
        200,
    )
    campaign = known[0] if known else await campaigns.make("b", "u1", new)
    anna, bo, cai = [await guest(shop, name) for name in ("anna", "bo", "cai")]
    had = await shop.commerce.coupons.wallets.wallet(cai, "e1")
    first = await claim(shop, campaign.id, anna)
    await claim(shop, campaign.id, bo)
    if not had.coupons and not await expired(shop, bo):
        with pytest.raises(CouponRefused):
            await wallets.claim(campaign.id, cai, "e1")
    await shop.commerce.groups.pin("demo", "pear", None)
    await work_off(shop)
    order = await buy_with(shop, anna, first, "pear")
    assert order and order.total_fen == 500
    joined = await buy(shop, shop.tap(bo, "pear"))
    assert joined
    await cancel(shop, order.id)
    again = await buy_with(shop, anna, first, "tea")
    assert again and again.total_fen == 890
    if not await expired(shop, bo):
        shop.clock.ahead_ms += 3_601_000
    await wallets.step()
    await claim(shop, campaign.id, cai)
    [listed] = await campaigns.listed("b")
    assert (listed.taken_fen, listed.claimed, listed.used, listed.expired) == (200, 3, 1, 1)
    await work_off(shop)
    assert await sold(shop) == {anna: 890, bo: joined.total_fen}


async def lucky_bag(shop: Shop) -> None:
    """Two prizes for three households; one is handed over."""
    draws, fulfilment = shop.commerce.activities.draws, shop.commerce.fulfilment
    known = await draws.listed("demo")
    if known:
        draw = (await draws.recount("demo", known[0].id))[0]
    else:
        draw = await draws.open("demo", DrawRequest("tea", 2, 60), actor="u1")
    guests = [await guest(shop, name) for name in ("anna", "bo", "cai")]
    if draw.state is DrawState.OPEN:
        tickets = {(await draws.enter("demo", draw.id, one, "e1", ""))[0].ticket for one in guests}
        assert len(tickets) == 3
    for ms in (60_000, REVEAL_AFTER_MS):
        shop.clock.ahead_ms += ms
        await draws.step()
    await work_off(shop)
    done, tickets_listed = await draws.recount("demo", draw.id)
    assert (done.state, done.commitment) == (DrawState.REVEALED, draw.commitment)
    assert done.seed and list(done.winning) == drawn(done.seed, tickets_listed, 2)
    won = {one: await draws.entry(draw.id, one) for one in guests}
    orders = {one: entry.order_id for one, entry in won.items() if entry and entry.place}
    assert await sold(shop) == dict.fromkeys(orders, 0) and len(orders) == 2
    winner, order_id = min((one, str(order_id)) for one, order_id in orders.items())
    for to in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        order = await shop.commerce.orders.get(order_id)
        if order.state in BEFORE[to]:
            await fulfilment.move(order_id, to, "clerk")
    [mine] = await shop.commerce.orders.mine(winner)
    if mine.state is OrderState.READY:
        assert mine.pickup
        await fulfilment.hand_over("s1", mine.pickup.code, "clerk")
    await work_off(shop)


BEFORE = {
    OrderState.PICKING: {OrderState.NEW},
    OrderState.PACKED: {OrderState.PICKING},
    OrderState.READY: {OrderState.PACKED},
}
STORIES: tuple[Story, ...] = (flash_sale, coupons, lucky_bag)


async def guest(shop: Shop, nickname: str) -> str:
    """The guest of estate e1 with this nickname, added if missing."""
    async with shop.commerce.record.read() as connection:
        found = text("SELECT id FROM guests WHERE nickname = :nickname")
        known: str | None = await connection.scalar(found, {"nickname": nickname})
    return known or (await shop.commerce.people.add_guest(nickname, "e1")).guest.id


async def claim(shop: Shop, campaign_id: str, guest_id: str) -> str:
    """The guest's coupon of a campaign, claimed if it is not there yet."""
    wallet = await shop.commerce.coupons.wallets.wallet(guest_id, "e1")
    if wallet.coupons:
        return wallet.coupons[0].id
    return (await shop.commerce.coupons.wallets.claim(campaign_id, guest_id, "e1")).id


async def expired(shop: Shop, guest_id: str) -> bool:
    """Whether the guest's coupon has come to its end, or is about to."""
    wallet = await shop.commerce.coupons.wallets.wallet(guest_id, "e1")
    return any(
        one.state is CouponState.EXPIRED or one.expires_at_ms <= shop.clock()
        for one in wallet.coupons
    )


async def buy_with(shop: Shop, guest_id: str, coupon_id: str, product: str) -> OrderView | None:
    """Buy one unit with a coupon."""
    prices = {"tea": 990, "pear": 600}
    tap = shop.tap(guest_id, product, price=prices[product])
    choice = CouponChoice(guest_id, "e1", order_id_of(guest_id, tap.key), coupon_id)
    known = [one.id for one in await shop.commerce.orders.mine(guest_id)]
    if choice.order_id in known:
        return await shown(shop, guest_id, choice.order_id)
    applied = await shop.commerce.coupons.wallets.apply(choice, [(product, prices[product])])
    return await buy(shop, replace(tap, coupon=applied))


async def shown(shop: Shop, guest_id: str, order_id: str) -> OrderView:
    """An order as its buyer sees it."""
    return next(one for one in await shop.commerce.orders.mine(guest_id) if one.id == order_id)


async def sold(shop: Shop) -> dict[str, int]:
    """What each guest has paid in the end, by the provider's books and by ours alike."""
    async with shop.commerce.record.read() as connection:
        ours = await connection.execute(
            text(
                "SELECT guest_id, SUM(paid_fen - refunded_fen) FROM orders"
                " WHERE refused IS NULL GROUP BY guest_id"
            )
        )
        theirs = await connection.execute(
            text(
                "SELECT o.guest_id, SUM(c.amount_fen) - COALESCE(SUM(r.amount_fen), 0)"
                " FROM orders o JOIN sandbox_charges c ON c.order_id = o.id"
                " LEFT JOIN (SELECT order_id, SUM(amount_fen) AS amount_fen FROM sandbox_refunds"
                "     GROUP BY order_id) r ON r.order_id = o.id"
                " WHERE o.refused IS NULL GROUP BY o.guest_id"
            )
        )
        paid = {guest_id: int(fen) for guest_id, fen in ours}
        assert {guest_id: int(fen) for guest_id, fen in theirs if fen} == {
            guest_id: fen for guest_id, fen in paid.items() if fen
        }
        return paid


async def outlive(story: Story, database_url: str, redis_url: str, *effects: int) -> int:
    """Play a story with a worker that dies after so many effects, and again with the next one.

    The last worker does not die. Return how many workers it takes.
    """
    clock = TestClock()

    async def to_the_end(shop: Shop) -> None:
        await story(shop)
        await sound(shop)

    for number, left in enumerate((*effects, ENDLESS), 1):
        life = await live(database_url, redis_url, to_the_end, left, clock)
        if not life.is_over:
            return number
    raise AssertionError("no worker came to the end")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_a_show_goes_on_though_its_workers_die(
    sqlite_url: str, valkey_url: str, story: Story
) -> None:
    assert await outlive(story, sqlite_url, valkey_url, 9) == 2


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_a_show_goes_on_whichever_effect_was_its_workers_last(
    new_record: Callable[[], str], valkey_url: str, story: Story
) -> None:
    for effects in range(1, EFFECTS_MAX):
        with Redis.from_url(valkey_url) as redis:
            redis.flushall()
        try:
            lives = await outlive(story, new_record(), valkey_url, effects)
        except BaseException as error:
            error.add_note(f"killed after effect {effects}")
            raise
        if lives == 1:
            print(f"{story.__name__}: killed after each of {effects - 1} effects")
            return
    raise AssertionError("the story has no end")
