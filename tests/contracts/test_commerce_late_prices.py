"""Late payments of orders at a special price: kept while it may still be had, else paid back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import CampaignKind, CouponState, NewCampaign
from commerce.coupons.terms import Terms
from commerce.flash.sale import FlashSale
from commerce.io.shop.coupons.wallet import CouponChoice
from commerce.io.shop.orders import OrderRequest, Pending
from commerce.money.intents import PAY_MS, QUERY_MS
from commerce.orders.order import order_id_of
from commerce.orders.states import OrderState
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, flash_tap, open_flash, open_shop, running, shop_plan
from tests.support.payment_provider import MemoryProvider
from tests.support.records import each_record

database_url = each_record

SALE_S = 20 * 60
DAY_MS = 86_400_000


async def delivered(shop: Shop) -> None:
    """The outbox is delivered, while only the gate runs."""
    while await shop.commerce.relay.step():
        pass


async def ordered(shop: Shop, tap: OrderRequest) -> str:
    """Place an order that waits for its payment, and have it at the provider; return its id."""
    placed = await shop.commerce.orders.place(tap, wait_s=0)
    assert isinstance(placed, Pending)
    await shop.commerce.ledger.step()
    await shop.commerce.intents.step()
    return placed.order_id


async def expired(shop: Shop, order_id: str) -> None:
    """Nobody has paid it in time, and what it had is on sale again."""
    shop.clock.ahead_ms += PAY_MS
    await shop.commerce.intents.step()
    assert await state(shop, order_id) is OrderState.EXPIRED
    await delivered(shop)


async def paid(shop: Shop, provider: MemoryProvider, order_id: str) -> None:
    """The provider reports its money, and what becomes of it is decided."""
    await shop.commerce.intents.take_webhook(*provider.webhook(provider.pay(order_id)))
    for _ in range(2):
        await shop.commerce.intents.step()
        await delivered(shop)
        shop.clock.ahead_ms += QUERY_MS


async def state(shop: Shop, order_id: str) -> OrderState:
    """Where an order stands."""
    return (await shop.commerce.orders.get(order_id)).state


async def transfers(shop: Shop, order_id: str) -> list[str]:
    """What was booked of an order's coupon."""
    query = (
        "SELECT kind FROM money_transfers WHERE order_id = :id AND kind LIKE 'coupon%' ORDER BY id"
    )
    async with shop.commerce.record.read() as connection:
        return list(await connection.scalars(text(query), {"id": order_id}))


@asynccontextmanager
async def late_shop(
    database_url: str, valkey_url: str, provider: MemoryProvider
) -> AsyncIterator[Shop]:
    """A shop of which only the gate runs; all of it in the end, when every invariant holds.

    A payment that comes late is on its way while the attempt is closed: closing does not arrive.
    """
    provider.down.add("close")
    async with open_shop(database_url, valkey_url, provider=provider, plan=shop_plan(20)) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        yield shop
        gate.cancel()
        async with running(shop.commerce):
            await sound(shop)


async def sale_of(shop: Shop, units: int) -> FlashSale:
    """A flash sale of tea that runs longer than an order may wait for its payment."""
    sale = await open_flash(shop, units=units, duration_s=SALE_S)
    await delivered(shop)
    return sale


async def test_a_unit_of_a_sale_that_still_runs_is_sold_at_its_price_again(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with late_shop(database_url, valkey_url, provider) as shop:
        sale = await sale_of(shop, 1)
        order_id = await ordered(shop, flash_tap(shop, sale, "anna"))
        await expired(shop, order_id)
        await paid(shop, provider, order_id)
        order = await shop.commerce.orders.get(order_id)
        assert (order.state, order.total_fen) == (OrderState.NEW, 700)
        async with shop.commerce.record.read() as connection:
            counts = await connection.execute(text("SELECT capacity, taken FROM quotas"))
            assert [tuple(row) for row in counts] == [(1, 1)]
    assert not provider.refunds


async def test_a_unit_that_went_to_another_is_not_sold_twice(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with late_shop(database_url, valkey_url, provider) as shop:
        sale = await sale_of(shop, 1)
        order_id = await ordered(shop, flash_tap(shop, sale, "anna"))
        await expired(shop, order_id)
        other = await ordered(shop, flash_tap(shop, sale, "bo"))
        await paid(shop, provider, order_id)
        assert await state(shop, order_id) is OrderState.EXPIRED
        assert await state(shop, other) is OrderState.WAITING_PAYMENT
    assert [refund.amount_fen for refund in provider.refunds.values()] == [700]


@pytest.mark.parametrize("price_fen", [990, 700])
async def test_after_a_sale_its_price_is_kept_only_if_everybody_gets_it(
    sqlite_url: str, valkey_url: str, price_fen: int
) -> None:
    provider = MemoryProvider()
    async with late_shop(sqlite_url, valkey_url, provider) as shop:
        sale = await sale_of(shop, 9)
        order_id = await ordered(shop, flash_tap(shop, sale, "anna"))
        await expired(shop, order_id)
        shop.clock.ahead_ms += SALE_S * 1_000 - PAY_MS
        async with shop.commerce.record.write() as connection:
            change = "UPDATE products SET price_fen = :fen, version = version + 1 WHERE id = 'tea'"
            await connection.execute(text(change), {"fen": price_fen})
        await shop.commerce.shop.cache.refresh()
        await paid(shop, provider, order_id)
        kept = price_fen == 700
        assert await state(shop, order_id) is (OrderState.NEW if kept else OrderState.EXPIRED)
        assert (await shop.commerce.orders.get(order_id)).quotas == () or not kept
    assert bool(provider.refunds) is not kept


async def with_coupon(shop: Shop, guest: str, coupon_id: str, key: str) -> OrderRequest:
    """A tea of 9.90 with a coupon of five yuan."""
    choice = CouponChoice(guest, "e1", order_id_of(guest, key), coupon_id, "")
    coupon = await shop.commerce.coupons.wallets.apply(choice, [("tea", 990)])
    return replace(shop.tap(guest, key=key, price=990), coupon=coupon)


async def claimed(shop: Shop) -> tuple[str, str]:
    """A neighbour with a coupon."""
    at_ms = shop.clock()
    name, terms = Text("新邻居", "Newcomer"), Terms(500, minimum_fen=900)
    kind = CampaignKind.NEWCOMER
    new = NewCampaign(name, kind, terms, (), at_ms, at_ms + DAY_MS, 3_600, 1_500)
    campaign = await shop.commerce.coupons.campaigns.make("b", "u1", new)
    guest = (await shop.commerce.people.add_guest("Anna", "e1")).guest.id
    coupon = await shop.commerce.coupons.wallets.claim(campaign.id, guest, "e1")
    return guest, coupon.id


async def coupon_state(shop: Shop, guest: str) -> CouponState:
    """Where the guest's coupon stands."""
    [coupon] = (await shop.commerce.coupons.wallets.wallet(guest, "e1")).coupons
    return coupon.state


async def test_a_coupon_that_nobody_used_comes_off_a_late_order_again_and_may_come_back_again(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with late_shop(database_url, valkey_url, provider) as shop:
        guest, coupon_id = await claimed(shop)
        order_id = await ordered(shop, await with_coupon(shop, guest, coupon_id, "key-00001"))
        await expired(shop, order_id)
        assert await coupon_state(shop, guest) is CouponState.CLAIMED
        await paid(shop, provider, order_id)
        order = await shop.commerce.orders.get(order_id)
        assert (order.state, order.total_fen) == (OrderState.NEW, 490)
        assert await coupon_state(shop, guest) is CouponState.USED
        await shop.commerce.fulfilment.move(order_id, OrderState.CANCELLED, "clerk")
        assert await coupon_state(shop, guest) is CouponState.CLAIMED
        assert await transfers(shop, order_id) == ["coupon_used", "coupon_returned"] * 2
        await delivered(shop)
        again = await ordered(shop, await with_coupon(shop, guest, coupon_id, "key-00002"))
        assert await state(shop, again) is OrderState.WAITING_PAYMENT
    assert [refund.amount_fen for refund in provider.refunds.values()] == [490]


async def test_a_coupon_comes_off_one_order_however_late_the_first_is_paid(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with late_shop(database_url, valkey_url, provider) as shop:
        guest, coupon_id = await claimed(shop)
        first = await ordered(shop, await with_coupon(shop, guest, coupon_id, "key-00001"))
        await expired(shop, first)
        second = await ordered(shop, await with_coupon(shop, guest, coupon_id, "key-00002"))
        await paid(shop, provider, first)
        assert await state(shop, first) is OrderState.EXPIRED
        assert await state(shop, second) is OrderState.WAITING_PAYMENT
        assert await coupon_state(shop, guest) is CouponState.HELD
        assert (await shop.commerce.orders.get(second)).total_fen == 490
    assert [refund.amount_fen for refund in provider.refunds.values()] == [490]
