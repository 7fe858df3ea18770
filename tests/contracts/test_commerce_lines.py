"""Orders of several lines and of sets, from the tap to the shelf, on both records and Redis."""

import asyncio
from dataclasses import replace

import pytest

from commerce.catalogue.sets import SetPart
from commerce.errors import Refusal, Refused
from commerce.io.audit import audit, audit_gate
from commerce.io.shop.orders import OrderRequest, RequestedLine
from commerce.io.shop.seed import seed
from commerce.orders.lines import OrderLine, OrderPart
from commerce.orders.states import OrderState
from commerce.views import OrderView, StoreStock
from tests.support.commerce_shop import Shop, running_shop, shop_plan, with_dinner
from tests.support.gate_keys import GATE
from tests.support.waiting import wait_until

DINNER = OrderLine("dinner", 2, 2_000, 1, (OrderPart("tea", 4, 2_800), OrderPart("pear", 2, 1_200)))
PLAN = with_dinner(shop_plan(10))


def bag(shop: Shop, guest: str = "anna", dinners: int = 2, *, price: int = 990) -> OrderRequest:
    """Dinners, a tea and three pears in one tap."""
    lines = (RequestedLine("tea", 1, price), RequestedLine("pear", 3))
    return replace(shop.tap(guest, "dinner", quantity=dinners), further=lines)


async def left(shop: Shop) -> dict[str, int]:
    """What the room shows of each product."""
    return {product.id: product.left for product in await shop.commerce.products("demo")}


async def test_a_bag_becomes_one_order_with_its_lines(database_url: str, redis_url: str) -> None:
    async with running_shop(database_url, redis_url, plan=PLAN) as shop:
        order = await shop.commerce.orders.place(bag(shop))
        assert isinstance(order, OrderView)
        row = await shop.commerce.orders.get(order.id)
        pears = OrderLine("pear", 3, 800)
        assert row.lines == (DINNER, OrderLine("tea", 1, 990), pears)
        assert (row.total_fen, row.paid_fen, row.group_id) == (7_390, 7_390, "")
        assert dict(row.taken) == {"tea": 5, "pear": 5}
        assert await left(shop) == {"tea": 5, "pear": 5, "rice": 10, "dinner": 2}
        again = await shop.commerce.orders.place(bag(shop))
        assert isinstance(again, OrderView)
        assert again.id == order.id
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(bag(shop, price=1_000))
        assert refused.value.refusal is Refusal.KEY_REUSED
        assert await audit(shop.engine) == []


async def test_a_refused_line_is_named_and_nothing_is_taken(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        place = shop.commerce.orders.place
        with pytest.raises(Refused) as sold_out:
            await place(bag(shop, dinners=5))
        assert (sold_out.value.refusal, sold_out.value.product_id) == (Refusal.SOLD_OUT, "tea")
        assert sold_out.value.left == 10
        with pytest.raises(Refused) as changed:
            await place(bag(shop, "bo", price=900))
        assert (changed.value.refusal, changed.value.product_id) == (Refusal.PRICE_CHANGED, "tea")
        assert (await left(shop))["tea"] == 10


async def test_a_cancelled_order_gives_all_its_items_back(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        order = await shop.commerce.orders.place(bag(shop))
        assert isinstance(order, OrderView)
        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        assert (await left(shop))["dinner"] == 5
        await wait_until(lambda: shop.seen(order.id).refunded_fen == order.total_fen)
        assert await shop.redis.hmget(GATE.available, "tea|s1", "pear|s1") == [b"10", b"10"]
        assert await shop.redis.get(GATE.bought("anna", "tea")) is None
        assert await audit(shop.engine) == []
        assert await audit_gate(shop.engine, shop.redis) == []


async def test_a_handed_over_bag_leaves_the_shelf(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        fulfilment = shop.commerce.fulfilment
        order = await shop.commerce.orders.place(bag(shop))
        assert isinstance(order, OrderView)
        for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
            await fulfilment.move(order.id, state, "clerk")
        [mine] = await shop.commerce.orders.mine("anna")
        assert mine.pickup
        await fulfilment.hand_over("s1", mine.pickup.code, "clerk")
        assert await audit(shop.engine) == []


async def test_a_rebuilt_gate_knows_what_lines_took_and_the_limits_count(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        await shop.commerce.orders.place(bag(shop))
        await wait_until(lambda: len(shop.feed.last_orders) == 1)
        await shop.commerce.rebuild.force()
        assert await shop.redis.hmget(GATE.available, "tea|s1", "pear|s1") == [b"5", b"5"]
        bought = [GATE.bought("anna", product) for product in ("dinner", "tea", "pear")]
        assert await shop.redis.mget(bought) == [b"2", b"1", b"3"]


async def test_a_sold_item_changes_what_is_left_of_the_pinned_sets_it_is_part_of(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        await shop.commerce.groups.pin("demo", "dinner", None)
        await shop.commerce.orders.place(shop.tap("anna", "tea", quantity=5))
        await wait_until(lambda: shop.feed.left.get("dinner") == 2)
        views = {view.id: view for view in await shop.commerce.products("demo")}
        assert views["dinner"].stores == (StoreStock("s1", 2),)


async def test_an_order_keeps_the_recipe_that_it_was_sold_with(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=PLAN) as shop:
        place = shop.commerce.orders.place
        first = await place(shop.tap("anna", "dinner", quantity=2))
        await seed(shop.engine, with_dinner(shop_plan(10), (SetPart("rice", 1, 10_000),)))
        assert isinstance(first, OrderView)
        await wait_until(lambda: shop.commerce.catalogue.product("dinner").recipe_version == 2)
        assert (await shop.commerce.orders.get(first.id)).lines == (DINNER,)
        second = await place(shop.tap("bo", "dinner"))
        assert isinstance(second, OrderView)
        row = await shop.commerce.orders.get(second.id)
        rice = OrderPart("rice", 1, 2_000)
        assert (row.lines, row.store_id) == ((OrderLine("dinner", 1, 2_000, 2, (rice,)),), "s2")
        assert await audit(shop.engine) == []


async def test_the_last_units_of_three_items_are_sold_once(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=with_dinner(shop_plan(20))) as shop:
        place = shop.commerce.orders.place

        async def buy(number: int) -> bool:
            guest = f"g{number}"
            requests = (
                bag(shop, guest, 1),
                shop.tap(guest, "dinner"),
                shop.tap(guest, "tea", quantity=2),
                shop.tap(guest, "pear"),
            )
            try:
                await place(requests[number % len(requests)])
            except Refused as refused:
                assert refused.refusal is Refusal.SOLD_OUT
                return False
            return True

        sold = await asyncio.gather(*(buy(number) for number in range(120)))
        assert not all(sold)
        found = await left(shop)
        assert min(found["tea"], found["pear"]) < 3
        assert await audit(shop.engine) == []
