"""The demo's presale: its times follow from now, and one is open whenever somebody looks."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.values import Text
from commerce.orders.presales import check
from commerce.views import OrderView
from server.ops import demo_presale
from server.ops.demo_presale import PRODUCT, ZONE, keep_presale, next_presale
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import running_shop, shop_plan
from tests.support.waiting import wait_until

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS


@given(st.integers(0, 4_102_444_800_000))
def test_the_next_evening_is_the_cut_off_whenever_now_is(now_ms: int) -> None:
    new = next_presale(now_ms)
    check(new, now_ms=now_ms)
    assert now_ms < new.cut_off_ms <= now_ms + DAY_MS


def test_it_is_ordered_by_eight_and_packed_by_ten_in_the_morning() -> None:
    evening = datetime(2026, 11, 30, 19, 59, tzinfo=ZONE)
    new = next_presale(int(evening.timestamp()) * 1_000)
    times = [new.cut_off_ms, new.ready_by_ms, new.until_ms]
    shown = [f"{datetime.fromtimestamp(at / 1_000, ZONE):%d %H:%M}" for at in times]
    assert shown == ["30 20:00", "01 10:00", "01 12:00"]


async def test_one_is_open_after_each_evening_and_the_offices_own_is_left_alone(
    sqlite_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_presale, "LOOK_EVERY_S", 0.01)
    plan = shop_plan(9)
    products = [replace(one, id=PRODUCT) if one.id == "tea" else one for one in plan.products]
    stock = [
        replace(one, product_id=PRODUCT) if one.product_id == "tea" else one for one in plan.stock
    ]
    plan = replace(plan, products=tuple(products), stock=tuple(stock))
    async with running_shop(sqlite_url, valkey_url, plan=plan) as shop:
        presales = shop.commerce.presales
        keeping = asyncio.create_task(keep_presale(shop.commerce, "b", "u1"))

        async def opened(count: int) -> bool:
            return len(await presales.listed("b")) == count

        await wait_until(lambda: opened(1))
        await quiet(shop)
        order = await shop.commerce.orders.place(shop.tap("anna", PRODUCT))
        assert isinstance(order, OrderView) and order.promised
        [first] = await presales.listed("b")
        assert (order.promised.from_ms, first.name) == (first.ready_by_ms, demo_presale.NAME)

        await presales.close("b", "u1", first.id)
        later = next_presale(first.ready_by_ms)
        await presales.open("b", "u1", replace(later, name=Text("自己的", "Own")))
        shop.clock.ahead_ms += first.cut_off_ms - shop.clock()
        await asyncio.sleep(0)
        assert not keeping.done()
        keeping.cancel()
        names = {one.name.en for one in await presales.listed("b")}
        assert names == {demo_presale.NAME.en, "Own"}
        await sound(shop)
