"""An order in the store, on both records: moves, pickup code, handover, refusals."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from commerce.errors import (
    AlreadyHandedOver,
    AtOtherStore,
    IllegalMove,
    NotFound,
    NotReadyYet,
    Refusal,
    Refused,
    UnknownCode,
)
from commerce.io.shop import fulfilment
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, open_shop, running_shop
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

TO_READY = (OrderState.PICKING, OrderState.PACKED, OrderState.READY)


async def buy(shop: Shop, guest: str, product: str = "tea", household: str = "") -> OrderView:
    """One confirmed order."""
    order = await shop.commerce.orders.place(shop.tap(guest, product, household=household))
    assert isinstance(order, OrderView)
    return order


async def make_ready(shop: Shop, guest: str, household: str = "") -> OrderView:
    """One order that waits to be fetched."""
    order = await buy(shop, guest, household=household)
    for state in TO_READY:
        await shop.commerce.fulfilment.move(order.id, state, "clerk")
    [mine] = [o for o in await shop.commerce.orders.mine(guest) if o.id == order.id]
    return mine


async def test_a_ready_order_is_handed_over_once(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        order = await make_ready(shop, "anna")
        assert order.pickup
        assert order.pickup.qr.startswith("data:image/svg+xml")
        await wait_until(lambda: shop.seen(order.id).pickup == order.pickup)
        fulfilment = shop.commerce.fulfilment
        with pytest.raises(AtOtherStore) as elsewhere:
            await fulfilment.hand_over("s2", order.pickup.code, "clerk")
        assert elsewhere.value.store_id == "s1"
        typed = order.pickup.code.lower().replace("-", " ")
        [done] = await fulfilment.hand_over("s1", typed, "clerk")
        assert done.state is OrderState.HANDED_OVER
        with pytest.raises(AlreadyHandedOver) as again:
            await fulfilment.hand_over("s1", order.pickup.code, "clerk")
        assert again.value.handed_over_at_ms == done.handed_over_at_ms
        with pytest.raises(UnknownCode):
            await fulfilment.hand_over("s1", "0000-0000-0", "clerk")
        with pytest.raises(UnknownCode):
            await fulfilment.hand_over("s1", "no code at all", "clerk")
        assert [seen.id for seen in (await fulfilment.board("s1")).orders] == [order.id]
        await sound(shop)


async def test_one_of_many_concurrent_handovers_succeeds_and_gives_out_all_that_is_ready(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        orders = [await make_ready(shop, guest, "home") for guest in ("anna", "bo")]
        brought, other = await make_ready(shop, "cai", "home"), await make_ready(shop, "otto")
        async with shop.commerce.record.write() as connection:
            await connection.execute(
                text("UPDATE orders SET fulfilment = 'delivery' WHERE id = :id"), {"id": brought.id}
            )
        codes = [order.pickup.code for order in orders if order.pickup]
        results = await asyncio.gather(
            *(
                shop.commerce.fulfilment.hand_over("s1", codes[n % 2], f"clerk {n}")
                for n in range(8)
            ),
            return_exceptions=True,
        )
        [given] = [result for result in results if isinstance(result, list)]
        assert sorted(order.id for order in given) == sorted(order.id for order in orders)
        late = [result for result in results if not isinstance(result, list)]
        assert [type(result) for result in late] == [AlreadyHandedOver] * 7
        for waits in (brought, other):
            assert (await shop.commerce.orders.get(waits.id)).state is OrderState.READY
        await sound(shop)


async def test_an_illegal_transition_is_refused_by_the_rule_and_by_the_database(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        order = await buy(shop, "anna")
        for state in (OrderState.READY, OrderState.HANDED_OVER, OrderState.NEW):
            with pytest.raises(IllegalMove) as refused:
                await shop.commerce.fulfilment.move(order.id, state, "clerk")
            assert refused.value.state == "new"
        with pytest.raises(NotFound):
            await shop.commerce.fulfilment.move("nothing", OrderState.PICKING, "clerk")
        for wrong in ("ready", "handed_over", "waiting_group", "lost"):
            with pytest.raises(DBAPIError):
                async with shop.commerce.record.write() as connection:
                    await connection.execute(text(f"UPDATE orders SET state = '{wrong}'"))
        with pytest.raises(DBAPIError):
            async with shop.commerce.record.write() as connection:
                await connection.execute(text("UPDATE stock SET sold = on_hand + 1"))


async def test_a_cancelled_order_is_refunded_and_its_units_go_back_on_sale(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        order = await make_ready(shop, "anna")
        assert order.pickup
        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        with pytest.raises(NotReadyYet):
            await shop.commerce.fulfilment.hand_over("s1", order.pickup.code, "clerk")
        await wait_until(lambda: shop.seen(order.id).refunded_fen == 990)
        await sound(shop)
        [view] = [
            product for product in await shop.commerce.products("demo") if product.id == "tea"
        ]
        assert view.left == 100


async def test_the_nearest_store_with_stock_serves_within_limit_and_price(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        order = await buy(shop, "anna", "rice")
        assert order.store.id == "s2"
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("bo", "tea", quantity=101))
        assert refused.value.refusal is Refusal.LIMIT_REACHED
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("bo", "gone"))
        assert refused.value.refusal is Refusal.NOT_ON_SALE
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("cai", "tea", price=1))
        assert (refused.value.refusal, refused.value.left) == (Refusal.PRICE_CHANGED, 990)


async def test_two_workers_never_oversell_one_shop(database_url: str, redis_url: str) -> None:
    async with (
        running_shop(database_url, redis_url) as one,
        running_shop(database_url, redis_url) as two,
    ):
        shops = (one, two)
        answers = await asyncio.gather(
            *(
                shops[number % 2].commerce.orders.place(shops[0].tap(f"g{number // 2}"))
                for number in range(260)
            ),
            return_exceptions=True,
        )
        confirmed = {answer.id for answer in answers if isinstance(answer, OrderView)}
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert len(confirmed) == 100
        assert len(refused) == 60
        assert one.commerce.rebuild.count + two.commerce.rebuild.count == 1
        await quiet(one)
        await sound(one)


async def test_a_gate_that_another_worker_opened_meanwhile_is_not_closed_again(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        open_shop(database_url, valkey_url) as one,
        open_shop(database_url, valkey_url) as two,
    ):
        late, early = one.commerce.rebuild, two.commerce.rebuild
        before = late.count, early.count
        await one.redis.flushall()
        read = late._epochs

        async def read_long_ago(gates: Any) -> Any:
            found = await read(gates)
            await early.ensure()
            return found

        monkeypatch.setattr(late, "_epochs", read_long_ago)
        await late.ensure()
        assert (late.count, early.count) == (before[0], before[1] + 1)
        assert not await one.redis.keys("*rebuild*")


async def test_a_board_has_every_open_order_and_pages_what_was_handed_over(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulfilment, "PAGE_ORDERS", 2)
    async with running_shop(database_url, valkey_url) as shop:
        board = shop.commerce.fulfilment
        numbers = []
        for at in range(5):
            order = await make_ready(shop, f"guest {at}")
            assert order.pickup
            await board.hand_over("s1", order.pickup.code, "clerk")
            numbers.append(order.number)
        fresh = await shop.commerce.orders.place(shop.tap("late"))
        ready = await make_ready(shop, "first")
        assert isinstance(fresh, OrderView)
        shown = await board.board("s1")
        # Two lately handed over are the first page; the ready one comes before the new one.
        assert [seen.id for seen in shown.orders[:2]] == [ready.id, fresh.id]
        done = [seen.number for seen in shown.orders[2:]]
        cursor = shown.next
        while cursor is not None:
            page = await board.handed_over("s1", cursor)
            done += [seen.number for seen in page.orders]
            cursor = page.next
        assert done == numbers[::-1]
        shop.clock.ahead_ms = 3 * 3_600_000
        later = await board.board("s1")
        assert [seen.id for seen in later.orders] == [ready.id, fresh.id]
        assert later.next
        assert len((await board.handed_over("s1", later.next)).orders) == 2
        with pytest.raises(NotFound):
            await board.handed_over("s1", "nothing")
