"""One tap to a confirmed order, on both records and both kinds of Redis."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from commerce.catalogue.values import Stock
from commerce.errors import Refusal, Refused
from commerce.orders.states import OrderState
from commerce.views import OrderView, StoreStock
from tests.support.commerce_shop import open_shop, running_shop, shop_plan
from tests.support.records import each_record
from tests.support.waiting import WAIT_S, wait_until

database_url = each_record


async def test_a_tap_becomes_a_confirmed_order(database_url: str, redis_url: str) -> None:
    async with running_shop(database_url, redis_url) as shop:
        order = await shop.commerce.orders.place(shop.tap("anna"))
        assert isinstance(order, OrderView)
        assert order.state is OrderState.NEW
        assert order.store.id == "s1"
        assert order.total_fen == 990
        assert order.due_at_ms == order.created_at_ms + 30 * 60 * 1_000
        assert await shop.commerce.orders.mine("anna") == [order]
        await wait_until(lambda: shop.feed.last_orders.get(order.id) == order)


async def test_each_step_of_an_order_is_measured(sqlite_url: str, valkey_url: str) -> None:
    steps: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def spans(name: str, order_ids: Sequence[str]) -> Iterator[None]:
        yield
        steps.update((order_id, name) for order_id in order_ids)

    async with running_shop(sqlite_url, valkey_url, spans=spans) as shop:
        order = await shop.commerce.orders.place(shop.tap("anna"))
        assert isinstance(order, OrderView)
        names = ("admit", "charge", "commit", "settle", "confirm", "outbox.order")
        await wait_until(lambda: steps == {(order.id, f"order.{name}") for name in names})


async def test_the_same_key_twice_gives_the_same_order(database_url: str, redis_url: str) -> None:
    async with running_shop(database_url, redis_url) as shop:
        place = shop.commerce.orders.place
        first, again = await asyncio.gather(place(shop.tap("anna")), place(shop.tap("anna")))
        assert first == again == await place(shop.tap("anna"))
        with pytest.raises(Refused) as refused:
            await place(shop.tap("anna", quantity=2))
        assert refused.value.refusal is Refusal.KEY_REUSED
        assert len(await shop.commerce.orders.mine("anna")) == 1


async def test_an_answer_that_did_not_arrive_is_read_from_the_record(
    sqlite_url: str, valkey_url: str
) -> None:
    async with (
        running_shop(sqlite_url, valkey_url),
        open_shop(sqlite_url, valkey_url) as unsubscribed,
    ):
        gate = asyncio.create_task(unsubscribed.commerce.gates.run())
        try:
            async with asyncio.timeout(WAIT_S):
                place = unsubscribed.commerce.orders.place
                order = await place(unsubscribed.tap("anna"), wait_s=2 * WAIT_S)
        finally:
            gate.cancel()
        assert isinstance(order, OrderView)


async def test_500_concurrent_buyers_get_exactly_100_units(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(100)) as shop:

        async def buy(number: int) -> OrderView | Refused:
            try:
                order = await shop.commerce.orders.place(shop.tap(f"g{number}"))
            except Refused as refused:
                return refused
            assert isinstance(order, OrderView)
            return order

        results = await asyncio.gather(*(buy(number) for number in range(500)))
        orders = [result for result in results if isinstance(result, OrderView)]
        refusals = [result.refusal for result in results if isinstance(result, Refused)]
        assert len(orders) == 100
        assert refusals == [Refusal.SOLD_OUT] * 400
        assert len({order.number for order in orders}) == 100


@pytest.mark.parametrize("after_ms", [0, 5, 15, 40])
async def test_a_running_commerce_can_be_cancelled_at_any_moment(
    database_url: str, valkey_url: str, after_ms: int
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        task = asyncio.create_task(shop.commerce.run())
        await shop.commerce.orders.place(shop.tap("anna"))
        asyncio.get_running_loop().call_later(after_ms / 1_000, task.cancel)
        done, _ = await asyncio.wait([task], timeout=WAIT_S)
        assert done
        assert task.cancelled()


async def test_a_product_shows_in_which_stores_it_lies(database_url: str, valkey_url: str) -> None:
    plan = shop_plan()
    stock = (Stock("tea", "s1", 2), Stock("tea", "s2", 4), Stock("rice", "s2", 1))
    async with running_shop(database_url, valkey_url, plan=replace(plan, stock=stock)) as shop:
        tea = next(found for found in await shop.commerce.products("demo") if found.id == "tea")
        assert (tea.left, tea.stores) == (6, (StoreStock("s1", 2), StoreStock("s2", 4)))
        # No store that serves the estate has five, though six are left in all.
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("anna", "tea", quantity=5))
        assert (refused.value.refusal, refused.value.left) == (Refusal.SOLD_OUT, 4)
        order = await shop.commerce.orders.place(shop.tap("bo", "tea", quantity=2))
        assert isinstance(order, OrderView)
        assert order.store.id == "s1"
        tea = next(found for found in await shop.commerce.products("demo") if found.id == "tea")
        assert tea.stores == (StoreStock("s2", 4),)
