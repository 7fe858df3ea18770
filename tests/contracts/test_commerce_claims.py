"""Claims and ratings on the record: money goes back by rule, units to stock or waste."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from commerce.after_sales.claims import (
    DECIDE_MS,
    WINDOW_MS,
    ClaimOpen,
    ClaimState,
    ClaimTooLate,
    Desk,
    Fault,
    GoodsGo,
)
from commerce.after_sales.ratings import EDIT_MS, NotRatable, Stars, Tag
from commerce.errors import CommerceError, IllegalMove, InvalidField, NotFound, RefundTooLarge
from commerce.io.audit import audit, audit_gate
from commerce.io.shop.after_sales.values import NewClaim, NewRating, Verdict
from commerce.io.shop.orders import RequestedLine
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, running_shop, shop_plan, with_dinner
from tests.support.waiting import wait_until

PLAN = with_dinner(shop_plan(100))


@pytest.fixture
async def shop(database_url: str, valkey_url: str) -> AsyncIterator[Shop]:
    """A shop that is open."""
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        yield shop


@pytest.fixture
async def sqlite_shop(sqlite_url: str, valkey_url: str) -> AsyncIterator[Shop]:
    """A shop on SQLite, where the database makes no difference."""
    async with running_shop(sqlite_url, valkey_url, plan=PLAN) as shop:
        yield shop


async def handed_over(shop: Shop, guest: str = "anna", dinners: int = 2) -> OrderRow:
    """Dinners (tea 14.00, pear 6.00 each) and three teas at 9.90, taken home."""
    tap = replace(shop.tap(guest, "dinner", quantity=dinners), further=(RequestedLine("tea", 3),))
    order = await shop.commerce.orders.place(tap)
    assert isinstance(order, OrderView)
    for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        await shop.commerce.fulfilment.move(order.id, state, "clerk")
    [mine] = await shop.commerce.orders.mine(guest)
    assert mine.pickup
    await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
    return await shop.commerce.orders.get(order.id)


async def sound(shop: Shop) -> None:
    """Record and gate agree with themselves."""
    await wait_until(lambda: _idle(shop))
    assert await audit(shop.engine) == []
    assert await audit_gate(shop.engine, shop.redis) == []


async def _idle(shop: Shop) -> bool:
    async with shop.commerce.record.read() as connection:
        return not await connection.scalar(text("SELECT COUNT(*) FROM outbox"))


async def test_a_small_claim_is_paid_back_by_the_rule_and_a_large_one_by_the_store(
    shop: Shop,
) -> None:
    claims = shop.commerce.claims
    async with shop.commerce.record.write() as connection:
        await connection.execute(text("UPDATE lots SET supplier = 'farm' WHERE product_id = 'tea'"))
    order = await handed_over(shop)
    small = await claims.make("anna", NewClaim(order.id, 0, 1, 1, Fault.STALE))
    assert (small.state, small.desk, small.amount_fen) == (ClaimState.APPROVED, Desk.RULE, 600)
    await wait_until(lambda: shop.seen(order.id).refunded_fen == 600)
    shop.clock.ahead_ms = 61_000
    large = await claims.make("anna", NewClaim(order.id, 0, 0, 4, Fault.WRONG, "green tea"))
    assert (large.state, large.desk, large.amount_fen) == (ClaimState.OPEN, Desk.STORE, 2_800)
    with pytest.raises(ClaimOpen):
        await claims.make("anna", NewClaim(order.id, 0, 0, 1, Fault.BROKEN))
    [waiting] = await claims.queue(store_id="s1")
    assert (waiting.claim, waiting.recent) == (large, 2)
    assert await claims.queue(store_id="s2") == []
    with pytest.raises(NotFound):
        await claims.decide(large.id, Verdict(True, ""), "clerk", store_id="s2")
    with pytest.raises(InvalidField):
        await claims.decide(large.id, Verdict(False, " "), "clerk", store_id="s1")
    back = Verdict(True, "sorry", GoodsGo.STOCK)
    decided = await asyncio.gather(
        *(claims.decide(large.id, back, by, store_id="s1") for by in ("one", "two")),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, IllegalMove) for one in decided) == [False, True]
    await wait_until(lambda: shop.seen(order.id).refunded_fen == 3_400)
    [mine] = await shop.commerce.after_sales.mine("anna")
    assert (mine.refunded_fen, mine.refund_due_fen) == (3_400, 0)
    assert [part.refunded_fen for part in mine.parts] == [2_800, 600, 0]
    async with shop.commerce.record.read() as connection:
        moved = await connection.execute(
            text("SELECT kind, units FROM lot_moves WHERE source IN (:a, :b) ORDER BY id"),
            {"a": small.id, "b": large.id},
        )
        assert [tuple(row) for row in moved] == [("claimed", 1), ("taken_back", 4)]
    [stale, wrong] = sorted(await claims.faults("b", 0), key=lambda one: one.product_id)
    assert (stale.fault, stale.approved, stale.refunded_fen) == (Fault.STALE, 1, 600)
    assert (wrong.product_id, wrong.units) == ("tea", 4)
    assert (wrong.supplier, stale.supplier) == ("farm", "")
    await sound(shop)


async def test_a_claim_is_refused_with_a_reason_or_goes_to_the_head_office_when_late(
    sqlite_shop: Shop,
) -> None:
    shop = sqlite_shop
    claims = shop.commerce.claims
    order = await handed_over(shop)
    made = [
        await claims.make("anna", NewClaim(order.id, 1, 0, 3, Fault.BROKEN)),
        await claims.make("anna", NewClaim(order.id, 0, 0, 4, Fault.BROKEN)),
    ]
    refused = await claims.decide(
        made[0].id, Verdict(False, "photo shows rice"), "clerk", store_id="s1"
    )
    assert (refused.claim.state, refused.claim.answer) == (ClaimState.REFUSED, "photo shows rice")
    assert await claims.step() == 0
    shop.clock.ahead_ms = DECIDE_MS + 1
    assert await claims.step() == 1
    assert await claims.queue(store_id="s1") == []
    with pytest.raises(NotFound):
        await claims.decide(made[1].id, Verdict(True, ""), "clerk", store_id="s1")
    [late] = await claims.queue(brand_id="b")
    assert (late.claim.state, late.claim.desk) == (ClaimState.ESCALATED, Desk.HQ)
    await claims.decide(made[1].id, Verdict(True, ""), "boss", brand_id="b")
    await wait_until(lambda: shop.seen(order.id).refunded_fen == 2_800)
    shop.clock.ahead_ms = WINDOW_MS + 60_000
    with pytest.raises(ClaimTooLate):
        await claims.make("anna", NewClaim(order.id, 1, 0, 1, Fault.STALE))
    await sound(shop)


async def test_no_claim_gives_back_more_than_was_paid_or_of_another_order(shop: Shop) -> None:
    claims = shop.commerce.claims
    order = await handed_over(shop, dinners=1)
    wrong: list[tuple[str, NewClaim, type[CommerceError]]] = [
        ("bo", NewClaim(order.id, 0, 0, 1, Fault.STALE), NotFound),
        ("anna", NewClaim(order.id, 0, 2, 1, Fault.STALE), RefundTooLarge),
        ("anna", NewClaim(order.id, 1, 0, 4, Fault.STALE), RefundTooLarge),
        ("anna", NewClaim(order.id, 0, 0, 1, Fault.STALE, "", ("/x.webp",)), InvalidField),
    ]
    for guest, claim, error in wrong:
        with pytest.raises(error):
            await claims.make(guest, claim)
    both = NewClaim(order.id, 0, 0, 2, Fault.STALE)
    tries = await asyncio.gather(
        *(claims.make("anna", both) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in tries) == ["GoodsClaim", *["RefundTooLarge"] * 3]
    await wait_until(lambda: shop.seen(order.id).refunded_fen == 1_400)
    await sound(shop)


async def test_parts_are_rated_once_and_shown_from_five_ratings_on(
    sqlite_shop: Shop,
) -> None:
    shop = sqlite_shop
    ratings = shop.commerce.ratings
    orders = [await handed_over(shop, guest, 1) for guest in ("a", "b", "c")]
    for order in orders:
        for line, part, stars in ((0, 0, 5), (0, 1, 3), (1, 0, 4)):
            await ratings.rate(order.guest_id, NewRating(order.id, line, part, stars))
    # Tea is a part of the dinner and a line of its own; pear has three ratings.
    assert await ratings.of_products(["tea", "pear"]) == {"tea": Stars(45, 6)}
    first = orders[0]
    said = NewRating(first.id, 0, 0, 2, (Tag.TOO_BLAND,), "加微信 abc")
    assert (await ratings.rate("a", said)).held
    assert (await ratings.of_products(["tea"]))["tea"] == Stars(40, 6)
    assert "加微信 abc" not in {comment.words for comment in await ratings.comments("tea")}
    [held] = await ratings.listed("b", held=True)
    key = held.order_id, held.line, held.part
    with pytest.raises(NotFound):
        await ratings.moderate("x", key, hidden=True, staff_id="boss")
    await ratings.moderate("b", key, hidden=True, staff_id="boss")
    assert (await ratings.of_products(["tea"]))["tea"] == Stars(44, 5)
    with pytest.raises(NotFound):
        await ratings.rate("b", replace(said, stars=1))
    shop.clock.ahead_ms = EDIT_MS + 60_000
    with pytest.raises(NotRatable):
        await ratings.rate("a", replace(said, stars=1))
