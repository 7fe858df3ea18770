"""Presales in the record: places of the wave, the cut-off, and the plan of the night."""

import asyncio
from dataclasses import replace

import pytest

from commerce.catalogue.values import SeedPlan, Text
from commerce.errors import InvalidField, Refusal, Refused
from commerce.io.shop.orders import RequestedLine
from commerce.io.shop.presales import PresaleView
from commerce.orders.presales import NewPresale
from commerce.orders.promise import HOUR_MS, WINDOW_MS, Span
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan, with_dinner
from tests.support.waiting import wait_until


def weekend_plan() -> SeedPlan:
    """The shop with dinner sets, also in groups of two; two stores of one packer."""
    plan = with_dinner(shop_plan(target=2), group_target=2)
    stores = [replace(store, packers=1, orders_per_packer_hour=2) for store in plan.stores]
    return replace(plan, stores=tuple(stores))


async def opened(shop: Shop, **capacities: int) -> PresaleView:
    """Dinners until two hours from now, ready ten hours later."""
    cut_off_ms = shop.clock() + 2 * HOUR_MS
    ready_by_ms = cut_off_ms + 10 * HOUR_MS
    ready_by_ms += -ready_by_ms % WINDOW_MS
    new = NewPresale(
        Text("周末套餐", "Weekend meals"),
        ("dinner",),
        cut_off_ms,
        ready_by_ms,
        ready_by_ms + 2 * HOUR_MS,
        capacities,
    )
    made = await shop.commerce.presales.open("b", "u1", new)
    await quiet(shop)
    return made


async def tap(shop: Shop, guest: str, product: str = "dinner") -> OrderView | Refusal:
    """A tap, and what came of it."""
    try:
        order = await shop.commerce.orders.place(shop.tap(guest, product))
    except Refused as error:
        return error.refusal
    assert isinstance(order, OrderView)
    return order


async def test_a_wave_is_never_overbooked_and_a_late_tap_is_told_the_cut_off(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        presale = await opened(shop, s1=3)
        answers = await asyncio.gather(*(tap(shop, f"guest-{n}") for n in range(6)))
        won = [answer for answer in answers if isinstance(answer, OrderView)]
        assert len(won) == 3 and set(answers) - set(won) == {Refusal.NO_SLOT}
        for order in won:
            assert order.due_at_ms == presale.ready_by_ms
            assert order.promised == Span(presale.ready_by_ms, presale.until_ms)
        await sound(shop)

        # What is cancelled may be taken again, also after the gate was rebuilt.
        await shop.commerce.fulfilment.move(won[0].id, OrderState.CANCELLED, "clerk")
        await shop.redis.flushall()
        await shop.commerce.rebuild.ensure()
        again = await tap(shop, "late")
        assert isinstance(again, OrderView)
        await sound(shop)
        [listed] = await shop.commerce.presales.listed("b")
        places = {store.store_id: (store.capacity, store.taken) for store in listed.stores}
        assert places["s1"] == (3, 3)

        # Other goods are sold as ever, and not in one order with these.
        tea = await tap(shop, "anna", "tea")
        assert isinstance(tea, OrderView) and (tea.due_at_ms or 0) < presale.cut_off_ms
        both = replace(shop.tap("bo", "dinner"), further=(RequestedLine("tea", 1),))
        with pytest.raises(Refused, match="presale-apart"):
            await shop.commerce.orders.place(both)
        board = await shop.commerce.promises.of("demo", "e1")
        [seen] = board.presales
        assert (seen.product_ids, seen.cut_off_ms) == (("dinner",), presale.cut_off_ms)
        assert [store.store_id for store in seen.pickup] == ["s2"]  # which has no dinners

        # Closed, it is over for new taps; the key of an order in time gets its answer.
        closed = await shop.commerce.presales.close("b", "u1", presale.id)
        assert closed.cut_off_ms < presale.cut_off_ms
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("zoe", "dinner"))
        assert (refused.value.refusal, refused.value.left) == (Refusal.CUT_OFF, closed.cut_off_ms)
        assert await tap(shop, "late") == again
        await sound(shop)


async def test_groups_of_a_presale_take_its_places_and_the_night_is_planned_by_hands(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        presale = await opened(shop)
        with pytest.raises(InvalidField, match="dinner"):
            later_ms = presale.ready_by_ms + 24 * HOUR_MS
            new = NewPresale(
                presale.name, ("dinner",), presale.cut_off_ms, later_ms, later_ms + 2 * HOUR_MS
            )
            await shop.commerce.presales.open(
                "b", "u1", replace(new, cut_off_ms=later_ms - HOUR_MS)
            )
        alone = [await tap(shop, guest) for guest in ("anna", "bo", "cai")]
        await shop.commerce.groups.pin("demo", "dinner", None)
        joined = [await tap(shop, guest) for guest in ("dora", "eva")]
        orders = [order for order in (*alone, *joined) if isinstance(order, OrderView)]
        assert len(orders) == 5
        await wait_until(lambda: shop.seen(orders[3].id).state is OrderState.NEW)
        assert shop.seen(orders[3].id).due_at_ms == presale.ready_by_ms
        await sound(shop)

        [plan] = (await shop.commerce.wave_plans.of_store("s1")).plans
        assert (plan.orders, plan.packed, plan.behind) == (5, 0, 0)
        assert {item.product_id: item.units for item in plan.items} == {"tea": 10, "pear": 5}
        # One packer makes one order in half an hour.
        assert [batch.orders for batch in plan.batches] == [1] * 5
        assert plan.batches[0].from_ms - presale.cut_off_ms < WINDOW_MS
        waves = {wave.id for wave in (await shop.commerce.waves.of_store("s1")).waves}
        assert len(waves) == 2 and "singles" not in waves

        for state in (OrderState.PICKING, OrderState.PACKED):
            await shop.commerce.fulfilment.move(orders[0].id, state, "clerk")
        shop.clock.ahead_ms += plan.batches[1].until_ms - shop.clock()
        [plan] = (await shop.commerce.wave_plans.of_store("s1")).plans
        assert (plan.orders, plan.packed, plan.behind) == (5, 1, 1)
        assert plan.batches[0].items == ()
        more = await shop.commerce.presales.set_capacities("b", "u1", presale.id, {"s1": 2})
        places = {store.store_id: (store.capacity, store.taken) for store in more.stores}
        assert places["s1"] == (5, 5)
        await sound(shop)
