"""Flash sales on both records: sold at their price to the last unit, and never beyond."""

import asyncio
import dataclasses
from collections import Counter

import pytest
from sqlalchemy import text

from commerce.errors import InvalidField, Refusal, Refused
from commerce.flash.sale import (
    RIGHT_GRACE_MS,
    RIGHT_MS,
    FlashSale,
    Waiting,
    WaitingState,
)
from commerce.io.audit import audit
from commerce.io.gate.codec import flash_field
from commerce.io.shop.activities.errors import FlashClosed, FlashOpen
from commerce.io.shop.orders import OrderRequest, RequestedLine
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, flash_tap, open_flash, running_shop, shop_plan
from tests.support.gate_keys import GATE

SECOND_MS = 1_000


async def place(shop: Shop, request: OrderRequest) -> OrderView | Refusal:
    """The order, or why there is none."""
    try:
        order = await shop.commerce.orders.place(request)
    except Refused as error:
        return error.refusal
    assert isinstance(order, OrderView)
    return order


async def buy(shop: Shop, sale: FlashSale, guest: str, key: str = "") -> OrderView | Refusal:
    """A tap of a guest in a sale."""
    return await place(shop, flash_tap(shop, sale, guest, key))


async def test_a_rush_takes_every_unit_once_at_its_price(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        flash = shop.commerce.activities.flash
        with pytest.raises(InvalidField, match="below 990"):
            await open_flash(shop, price_fen=990)
        with pytest.raises(InvalidField, match="at most 100"):
            await open_flash(shop, units=101)
        sale = await open_flash(shop, units=12, starts_in_s=30)
        with pytest.raises(FlashOpen):
            await open_flash(shop, "rice", price_fen=1)
        await quiet(shop)

        # Early taps change nothing: the same key buys once the sale has begun.
        early = [await buy(shop, sale, f"g{n}") for n in range(3)]
        assert set(early) == {Refusal.NOT_YET}
        plain = await place(shop, shop.tap("plain", key="before-it", price=990))
        assert isinstance(plain, OrderView) and plain.total_fen == 990
        shop.clock.ahead_ms += 30 * SECOND_MS
        answers = await asyncio.gather(*(buy(shop, sale, f"g{n}") for n in range(40)))
        won = [answer for answer in answers if isinstance(answer, OrderView)]
        refused = Counter(answer for answer in answers if isinstance(answer, Refusal))
        assert (len(won), refused) == (12, {Refusal.FLASH_SOLD_OUT: 28})
        assert {order.total_fen for order in won} == {sale.price_fen}
        # At the same moment the plain price holds again, for who saw it.
        assert isinstance(await place(shop, shop.tap("late", key="after-it", price=990)), OrderView)
        await sound(shop)
        assert (shown := shop.feed.flash_sales["demo"]) and shown.left == 0

        await shop.redis.flushall()
        await shop.commerce.rebuild.ensure()
        assert await buy(shop, sale, "after-the-loss") is Refusal.FLASH_SOLD_OUT
        ended = await flash.end("demo", sale.id, actor="u1")
        assert ended == await flash.end("demo", sale.id, actor="u1")
        await quiet(shop)
        assert await buy(shop, sale, "too-late") is Refusal.FLASH_OVER
        await sound(shop)
        async with shop.commerce.record.write() as connection:
            await connection.execute(text("UPDATE quotas SET taken = 11, capacity = 11"))
        assert len(await audit(shop.engine)) == 2


async def test_a_household_gets_no_more_than_its_limit_and_no_other_price(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(9, target=3)) as shop:
        sale = await open_flash(shop, "pear", price_fen=500, units=4, household_limit=2)
        await shop.commerce.groups.pin("demo", "pear", None)
        await quiet(shop)
        # Who saw a lower price is shown this one; who saw more pays it, and joins no group.
        stale = await place(shop, shop.tap("anna", "pear", key="stale-price", price=400))
        assert stale is Refusal.PRICE_CHANGED
        dear = await place(shop, shop.tap("bo", "pear", key="saw-more", price=800))
        assert isinstance(dear, OrderView) and dear.total_fen == 500
        order = await place(shop, shop.tap("anna", "pear", quantity=2, price=500))
        assert isinstance(order, OrderView)
        assert (order.total_fen, order.group) == (1_000, None)
        assert await buy(shop, sale, "anna", key="third-pear") is Refusal.LIMIT_REACHED
        await shop.redis.flushall()
        await shop.commerce.rebuild.ensure()
        assert await buy(shop, sale, "anna", key="fourth-pear") is Refusal.LIMIT_REACHED
        # What is cancelled may be bought again.
        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        await quiet(shop)
        assert isinstance(await buy(shop, sale, "anna", key="fifth-pear"), OrderView)
        await sound(shop)


async def test_a_bag_is_sold_its_line_of_a_sale_at_the_flash_price(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        sale = await open_flash(shop, units=3, household_limit=2)
        await quiet(shop)
        # As if it were still on its way to the gate.
        field = flash_field("demo", sale.product_id)
        terms = await shop.redis.hget(GATE.products, field)
        assert terms and await shop.redis.hdel(GATE.products, field)
        assert await buy(shop, sale, "anna", key="too-early") is Refusal.NOT_YET
        await shop.redis.hset(GATE.products, field, terms)
        assert isinstance(await buy(shop, sale, "anna", key="too-early"), OrderView)

        def bag(guest: str, units: int, price_fen: int, key: str) -> OrderRequest:
            tea = RequestedLine(sale.product_id, units, price_fen)
            first = shop.tap(guest, "pear", key=key)
            return dataclasses.replace(first, further=(tea,))

        order = await place(shop, bag("bo", 2, sale.price_fen, "bag-of-bo"))
        assert isinstance(order, OrderView)
        assert order.lines[1].total_fen == 2 * sale.price_fen
        await quiet(shop)
        # The household has its units, and all are taken: the price that was seen is refused.
        more = await place(shop, bag("bo", 1, sale.price_fen, "more-of-bo"))
        assert more is Refusal.FLASH_SOLD_OUT
        plain = await place(shop, bag("cai", 1, 990, "bag-of-cai"))
        assert isinstance(plain, OrderView) and plain.lines[1].total_fen == 990
        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        await quiet(shop)
        assert (shown := shop.feed.flash_sales["demo"]) and shown.left == 2
        await sound(shop)


async def test_a_unit_that_comes_back_goes_down_the_waiting_list(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        flash = shop.commerce.activities.flash
        sale = await open_flash(shop, units=1)
        await quiet(shop)
        order = await buy(shop, sale, "anna")
        assert isinstance(order, OrderView)
        places = [await flash.wait_for("demo", sale.id, name) for name in ("bo", "cai", "bo")]
        assert [waiting.place for waiting in places] == [1, 2, 1]

        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        await quiet(shop)
        offered = await flash.waiting_of("demo", sale.id, "bo")
        assert offered and offered.state is WaitingState.OFFERED
        assert (shown := shop.feed.flash_sales["demo"]) and (shown.left, shown.served) == (0, 1)
        assert await buy(shop, sale, "dora") is Refusal.FLASH_SOLD_OUT
        await sound(shop)

        # It lapses, and the next one takes it though the sale has ended meanwhile.
        shop.clock.ahead_ms += RIGHT_MS + RIGHT_GRACE_MS
        await flash.pass_on_lapsed()
        await quiet(shop)
        lapsed = await flash.waiting_of("demo", sale.id, "bo")
        assert lapsed == Waiting(1, WaitingState.LAPSED)
        assert await buy(shop, sale, "bo") is Refusal.FLASH_SOLD_OUT
        await flash.end("demo", sale.id, actor="u1")
        with pytest.raises(FlashClosed):
            await flash.wait_for("demo", sale.id, "eve")
        await quiet(shop)
        last = await buy(shop, sale, "cai")
        assert isinstance(last, OrderView) and last.total_fen == sale.price_fen
        taken = await flash.waiting_of("demo", sale.id, "cai")
        assert taken == Waiting(2, WaitingState.TAKEN)
        await sound(shop)
        shop.clock.ahead_ms += RIGHT_GRACE_MS
        await flash.close_ended()
        await quiet(shop)
        assert await shop.redis.hkeys("{shop}:products")
        again = await open_flash(shop, units=1)
        assert again.id != sale.id
