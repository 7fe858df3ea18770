"""Slots of stores on both records: held, taken, given back, and never overbooked."""

import asyncio
from collections import Counter
from dataclasses import replace

from sqlalchemy import Connection, select

from commerce.catalogue.values import SeedPlan
from commerce.errors import Refusal, Refused
from commerce.io.record.schema_slots import order_routes, slots
from commerce.orders.promise import (
    LATER_WINDOWS_MAX,
    SOON_WINDOWS_MAX,
    WINDOW_MS,
    RuledOut,
    RuledOutBy,
    read_ruled_out,
    slot_name,
)
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.waiting import wait_until

TAPS = LATER_WINDOWS_MAX + SOON_WINDOWS_MAX + 4


def counted_plan(*, target: int = 3) -> SeedPlan:
    """The shop, whose stores pack one order per window and are always open."""
    plan = shop_plan(target=target)
    stores = [replace(store, packers=1, orders_per_packer_hour=2) for store in plan.stores]
    return replace(plan, stores=tuple(stores))


async def at_the_start_of_a_window(shop: Shop) -> None:
    """Move the clock so that a window has just begun, and no test sees it end."""
    shop.clock.ahead_ms += WINDOW_MS - shop.clock() % WINDOW_MS
    await shop.commerce.slots.open_windows()


async def taken(shop: Shop) -> dict[tuple[str, str], int]:
    """Slots taken by (store, window)."""

    def read(connection: Connection) -> dict[tuple[str, str], int]:
        rows = connection.execute(
            select(slots.c.store_id, slots.c.name, slots.c.taken).where(slots.c.taken > 0)
        )
        return {(store, name): count for store, name, count in rows}

    return await shop.commerce.record.query(read)


async def test_a_rush_fills_the_windows_in_order_and_never_overbooks(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=counted_plan()) as shop:
        await at_the_start_of_a_window(shop)

        async def tap(n: int) -> OrderView | Refusal:
            try:
                order = await shop.commerce.orders.place(shop.tap(f"guest-{n}", key=f"rush-{n:05}"))
            except Refused as error:
                return error.refusal
            assert isinstance(order, OrderView)
            return order

        answers = await asyncio.gather(*(tap(n) for n in range(TAPS)))
        won = [answer for answer in answers if isinstance(answer, OrderView)]
        refused = Counter(answer for answer in answers if isinstance(answer, Refusal))
        # `tea` lies in s1 only.
        assert set(refused) == {Refusal.NO_SLOT}
        booked = await taken(shop)
        assert len(won) == len(booked) == sum(booked.values()) >= LATER_WINDOWS_MAX
        assert {store for store, _ in booked} == {"s1"}
        due = sorted(order.due_at_ms or 0 for order in won)
        assert due == [due[0] + WINDOW_MS * n for n in range(len(due))]
        await sound(shop)

        # An order says which stores did not get it: `rice` lies in s2 only.
        order = await shop.commerce.orders.place(shop.tap("anna", "rice"))
        assert isinstance(order, OrderView)
        async with shop.commerce.record.read() as connection:
            own = select(order_routes).where(order_routes.c.order_id == order.id)
            [row] = (await connection.execute(own)).mappings()
        assert (row["n"], row["store_id"]) == (0, "s2")
        assert row["slot"] == slot_name((order.due_at_ms or 0) - WINDOW_MS)
        assert read_ruled_out(row["ruled_out"]) == [RuledOut("s1", RuledOutBy.NO_STOCK, "rice")]

        # What is cancelled may be taken again, also after the gate was rebuilt.
        first = min(won, key=lambda order: order.due_at_ms or 0)
        await shop.commerce.fulfilment.move(first.id, OrderState.CANCELLED, "clerk")
        await sound(shop)
        await shop.redis.flushall()
        await shop.commerce.rebuild.ensure()
        again = await tap(1_000)
        assert isinstance(again, OrderView) and again.due_at_ms == first.due_at_ms
        assert isinstance(await tap(1_001), Refusal)
        await sound(shop)


async def test_a_group_fills_windows_when_it_is_complete(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=counted_plan(target=3)) as shop:
        await at_the_start_of_a_window(shop)
        await shop.commerce.groups.pin("demo", "pear", None)
        joined = []
        for guest in ("anna", "bo", "cai", "dora"):
            order = await shop.commerce.orders.place(shop.tap(guest, "pear"))
            assert isinstance(order, OrderView)
            joined.append(order)
            assert len(await taken(shop)) == (len(joined) if len(joined) >= 3 else 0)
        await wait_until(
            lambda: {shop.seen(order.id).state for order in joined[:2]} == {OrderState.NEW}
        )
        due = [shop.seen(order.id).due_at_ms or 0 for order in joined[:2]]
        due += [order.due_at_ms or 0 for order in joined[2:]]
        assert sorted(due) == [min(due) + WINDOW_MS * n for n in range(4)]
        assert due[3] == max(due)
        await sound(shop)
