"""A presale is cancelled: no more orders, each payment goes back once, whatever dies meanwhile."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from commerce.catalogue.values import SeedPlan, Stock, Text
from commerce.errors import InvalidField, NotFound, Refusal, Refused
from commerce.io.shop import presale_cancels
from commerce.io.shop.orders import Pending
from commerce.io.shop.presales import PresaleView
from commerce.notices.notices import NoticeKind
from commerce.orders.presales import OWN_MAX, NewPresale
from commerce.orders.promise import HOUR_MS, WINDOW_MS
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import (
    Shop,
    open_shop,
    running,
    running_shop,
    shop_plan,
    with_dinner,
)
from tests.support.payment_provider import MemoryProvider
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record


def weekend_plan() -> SeedPlan:
    """Two stores that both have tea, of which one has dinner sets, too, also in groups of two."""
    plan = with_dinner(shop_plan(target=2), group_target=2)
    return replace(plan, stock=(*plan.stock, Stock("tea", "s2", 100)))


async def opened(shop: Shop, *products: str, runs: bool = True, store_id: str = "") -> PresaleView:
    """A presale until two hours from now, ready ten hours later."""
    cut_off_ms = shop.clock() + 2 * HOUR_MS
    ready_by_ms = cut_off_ms + 10 * HOUR_MS
    ready_by_ms += -ready_by_ms % WINDOW_MS
    name = Text("周末套餐", "Weekend meals")
    until_ms = ready_by_ms + 2 * HOUR_MS
    new = NewPresale(name, products, cut_off_ms, ready_by_ms, until_ms)
    made = await shop.commerce.presales.open("b", "u1", new, store_id)
    if runs:
        await quiet(shop)
    else:
        while await shop.commerce.relay.step():
            pass
    return made


async def guest(shop: Shop) -> str:
    """A new guest of the first estate."""
    return (await shop.commerce.people.add_guest("Anna", "e1")).guest.id


async def ordered(shop: Shop, guest_id: str, product: str, estate: str = "e1") -> str:
    """Place an order while only the gate and the relay run; return its id."""
    tap = shop.tap(guest_id, product, estate=estate)
    placed = await shop.commerce.orders.place(tap, wait_s=0)
    if isinstance(placed, Pending):
        await shop.commerce.ledger.step()
        return placed.order_id
    return placed.id


async def states(shop: Shop, ids: list[str]) -> list[OrderState]:
    """Where orders stand."""
    return [(await shop.commerce.orders.get(id)).state for id in ids]


async def notices_of_cancels(shop: Shop) -> set[tuple[str, str]]:
    """Who has, or will have, notice of which order that was cancelled."""
    query = text("SELECT guest_id, subject FROM notices WHERE kind = :kind")
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(query, {"kind": NoticeKind.CANCELLED.value})
        return {(guest_id, subject) for guest_id, subject in rows}


async def refunds(shop: Shop) -> list[tuple[int, int]]:
    """By order, how many calls the provider made and what they gave back."""
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(
            text("SELECT COUNT(*), SUM(amount_fen) FROM sandbox_refunds GROUP BY order_id")
        )
        return sorted((int(count), int(fen)) for count, fen in rows)


async def test_all_that_has_not_left_the_store_is_paid_back_and_its_buyers_are_told(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        presale = await opened(shop, "dinner")
        await shop.commerce.groups.pin("demo", "dinner", None)
        guests = [await guest(shop) for _ in range(5)]
        taps = [shop.tap(id, "dinner", estate="e2" if id == guests[4] else "e1") for id in guests]
        placed = [await shop.commerce.orders.place(tap) for tap in taps]
        orders = [one for one in placed if isinstance(one, OrderView)]
        ids = [order.id for order in orders]
        # The east has its group, the west has not; one is being picked, one is with its buyer.
        await wait_until(lambda: shop.seen(ids[3]).state is OrderState.NEW)
        assert await states(shop, ids[4:]) == [OrderState.WAITING_GROUP]
        await shop.commerce.fulfilment.move(ids[1], OrderState.PICKING, "clerk")
        for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
            await shop.commerce.fulfilment.move(ids[0], state, "clerk")
        [mine] = await shop.commerce.orders.mine(guests[0])
        assert mine.pickup
        await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
        other = await shop.commerce.orders.place(shop.tap("zoe", "tea"))
        assert isinstance(other, OrderView)

        cancelled = await shop.commerce.presales.cancel("b", "u1", presale.id)
        assert all(store.cancelled for store in cancelled.stores)
        again = await shop.commerce.presales.cancel("b", "u1", presale.id)
        assert again.cut_off_ms == cancelled.cut_off_ms < presale.cut_off_ms
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("late", "dinner"))
        assert refused.value.refusal is Refusal.CUT_OFF
        for order in orders[1:]:
            await wait_until(lambda id=order.id: shop.seen(id).refunded_fen > 0)  # type: ignore[misc]  # this one
            assert shop.seen(order.id).refunded_fen == order.total_fen
        ended = [OrderState.HANDED_OVER, *[OrderState.CANCELLED] * 4]
        assert await states(shop, ids) == ended
        assert await states(shop, [other.id]) == [OrderState.NEW]
        assert await refunds(shop) == [(1, order.total_fen) for order in orders[1:]]
        assert await notices_of_cancels(shop) == set(zip(guests[1:], ids[1:], strict=True))
        await sound(shop)

        shop.clock.ahead_ms = presale.until_ms - shop.clock()
        tomorrow = await opened(shop, "pear")
        shop.clock.ahead_ms += tomorrow.until_ms - shop.clock()
        with pytest.raises(InvalidField):
            await shop.commerce.presales.cancel("b", "u1", tomorrow.id)
        with pytest.raises(NotFound):
            await shop.commerce.presales.cancel("other", "u1", presale.id)


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


@pytest.mark.parametrize("dies_after", range(3))
async def test_whoever_dies_between_batches_each_order_is_paid_back_once(
    sqlite_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch, dies_after: int
) -> None:
    monkeypatch.setattr(presale_cancels, "BATCH_ORDERS", 2)
    seen: list[str] = []

    def probe(step: str) -> None:
        seen.extend([step] if step == "presale batch" else [])
        if len(seen) > dies_after:
            raise Killed

    async with open_shop(sqlite_url, valkey_url, plan=weekend_plan(), probe=probe) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        presale = await opened(shop, "dinner", runs=False)
        ids = [await ordered(shop, f"guest-{n}", "dinner") for n in range(5)]
        await shop.commerce.presales.cancel("b", "u1", presale.id)
        async with shop.commerce.record.read() as connection:
            due = shop.commerce.presale_cancels.is_due
            assert await connection.run_sync(due, shop.clock())
        with pytest.raises(Killed):
            await shop.commerce.presale_cancels.step()
        gate.cancel()
        total_fen = (await shop.commerce.orders.get(ids[0])).total_fen
        ended = (await states(shop, ids)).count(OrderState.CANCELLED)
        assert ended == min(2 * (dies_after + 1), len(ids))

        # A tap that was under way while the presale was cancelled ends like the others.
        async with open_shop(sqlite_url, valkey_url) as again:
            await again.commerce.presale_cancels.step()
            async with running(again.commerce):
                await wait_until(
                    lambda: sum(again.seen(id).refunded_fen for id in ids) == 5 * total_fen
                )
                assert await states(again, ids) == [OrderState.CANCELLED] * 5
                assert await refunds(again) == [(1, total_fen)] * 5
                await sound(again)


async def test_a_tap_that_the_gate_let_in_before_the_cancel_is_paid_back_after_it(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url, plan=weekend_plan()) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        presale = await opened(shop, "dinner", runs=False)
        tap = shop.tap("anna", "dinner")
        admitted = await shop.commerce.orders.place(tap, wait_s=0)
        assert isinstance(admitted, Pending)
        await shop.commerce.presales.cancel("b", "u1", presale.id)
        assert await shop.commerce.presale_cancels.step() == 0
        await shop.commerce.ledger.step()
        assert await shop.commerce.presale_cancels.step() == 1
        gate.cancel()
        async with running(shop.commerce):
            await wait_until(lambda: shop.seen(admitted.order_id).refunded_fen == 2_000)
            await sound(shop)


async def test_one_store_cancels_its_part_and_the_others_go_on(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        presale = await opened(shop, "tea")
        here = await shop.commerce.orders.place(shop.tap("anna", "tea"))
        there = await shop.commerce.orders.place(shop.tap("bo", "tea", estate="e2"))
        assert isinstance(here, OrderView) and isinstance(there, OrderView)
        assert (here.store.id, there.store.id) == ("s1", "s2")
        with pytest.raises(NotFound):
            await shop.commerce.presales.cancel("b", "u1", presale.id, ("nowhere",))
        left = await shop.commerce.presales.cancel("b", "u1", presale.id, ("s1",))
        assert {store.store_id: store.cancelled for store in left.stores} == {
            "s1": True,
            "s2": False,
        }
        await wait_until(lambda: shop.seen(here.id).refunded_fen == here.total_fen)
        assert await states(shop, [there.id]) == [OrderState.NEW]
        next_one = await shop.commerce.orders.place(shop.tap("cai", "tea"))
        assert isinstance(next_one, OrderView) and next_one.store.id == "s2"
        await sound(shop)


async def test_an_unpaid_order_ends_too_and_its_late_payment_goes_back(
    sqlite_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with open_shop(sqlite_url, valkey_url, plan=weekend_plan(), provider=provider) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        presale = await opened(shop, "dinner", runs=False)
        unpaid, paid = [await ordered(shop, name, "dinner") for name in ("anna", "bo")]
        await shop.commerce.intents.step()
        await shop.commerce.intents.take_webhook(*provider.webhook(provider.pay(paid)))
        late = provider.webhook(provider.pay(unpaid))  # which is still on its way
        await shop.commerce.intents.step()
        assert await states(shop, [unpaid, paid]) == [OrderState.WAITING_PAYMENT, OrderState.NEW]
        await shop.commerce.presales.cancel("b", "u1", presale.id)
        assert await shop.commerce.presale_cancels.step() == 2
        assert await states(shop, [unpaid, paid]) == [OrderState.CANCELLED] * 2
        await shop.commerce.intents.take_webhook(*late)
        gate.cancel()
        async with running(shop.commerce):
            for id in (unpaid, paid):
                await wait_until(lambda id=id: shop.seen(id).refunded_fen == 2_000)  # type: ignore[misc]  # this one
            assert await states(shop, [unpaid]) == [OrderState.CANCELLED]
            await sound(shop)
        assert sorted(refund.amount_fen for refund in provider.refunds.values()) == [2_000] * 2


async def test_a_store_opens_its_own_for_its_rooms_and_other_rooms_sell_from_the_shelf(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        own = await opened(shop, "tea", store_id="s1")
        assert [store.store_id for store in own.stores] == ["s1"]
        here = await shop.commerce.orders.place(shop.tap("anna", "tea"))
        there = await shop.commerce.orders.place(
            replace(shop.tap("bo", "tea", key="key-in-other"), room_id="other")
        )
        assert isinstance(here, OrderView) and isinstance(there, OrderView)
        assert (here.store.id, here.due_at_ms) == ("s1", own.ready_by_ms)
        assert there.due_at_ms is not None and there.due_at_ms < own.cut_off_ms
        for room, sold in (("demo", 1), ("other", 0)):
            assert len((await shop.commerce.promises.of(room, "e1")).presales) == sold
        # The other store may have the same goods and morning; the brand's takes what nobody has.
        with pytest.raises(InvalidField):
            await opened(shop, "tea", store_id="s1")
        other = await opened(shop, "tea", store_id="s2")
        with pytest.raises(InvalidField):
            await opened(shop, "tea")
        assert [one.id for one in await shop.commerce.presales.of_store("s2")] == [other.id]
        late = await shop.commerce.orders.place(shop.tap("cai", "tea", estate="e2"))
        assert isinstance(late, OrderView) and late.store.id == "s1", "its room decides"

        [plan] = (await shop.commerce.wave_plans.of_store("s1")).plans
        assert (plan.id, plan.orders) == (own.id, 2)

        await shop.commerce.presales.cancel("b", "u1", own.id, ("s1",))
        for order in (here, late):
            await wait_until(lambda id=order.id: shop.seen(id).refunded_fen == 990)  # type: ignore[misc]  # this one
        assert await states(shop, [there.id]) == [OrderState.NEW]
        await sound(shop)


async def test_of_two_that_are_opened_at_once_one_is_and_a_store_has_few_of_its_own(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=weekend_plan()) as shop:
        cut_off_ms = shop.clock() + HOUR_MS
        first_ms = cut_off_ms + 10 * HOUR_MS + -(cut_off_ms) % WINDOW_MS

        async def opens(product: str, ready_by_ms: int, store_id: str = "s1") -> bool:
            name, until_ms = Text("茶", "Tea"), ready_by_ms + 2 * HOUR_MS
            new = NewPresale(name, (product,), cut_off_ms, ready_by_ms, until_ms)
            try:
                await shop.commerce.presales.open("b", "u1", new, store_id)
            except InvalidField:
                return False
            return True

        both = await asyncio.gather(opens("tea", first_ms), opens("tea", first_ms + WINDOW_MS))
        assert sorted(both) == [False, True]
        others = ["pear", "rice", "dinner", "gone"]
        for at, product in enumerate(others, 2):
            assert await opens(product, first_ms + at * WINDOW_MS)
        assert len(await shop.commerce.presales.of_store("s1")) == OWN_MAX
        # Its cut-off is over, and it is not handed over yet: it still counts.
        shop.clock.ahead_ms += 2 * HOUR_MS
        cut_off_ms += 2 * HOUR_MS
        assert not await opens("tea", first_ms + 9 * WINDOW_MS)
        assert await opens("tea", first_ms + 9 * WINDOW_MS, store_id="s2")
