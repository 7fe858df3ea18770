"""Orders that wait for their payment: from the tap to the store, or back on sale."""

import asyncio
import itertools
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from commerce.errors import NotFound, Refusal, Refused
from commerce.io.outbox import handlers
from commerce.io.record.intent_rows import BookedEvent, events_of, find_intent
from commerce.io.record.payment_postings import book_event, expire_intent
from commerce.io.shop.chores import AHEAD_MS
from commerce.io.shop.orders import Pending
from commerce.io.shop.payments.payers import PayingPage
from commerce.money.intents import (
    HONOUR_MS,
    LEASE_MS,
    PAY_MS,
    QUERY_MS,
    UNPAID_NOTICE_MS,
    IntentEvent,
    fold,
)
from commerce.money.providers import IntentRequest, Payer
from commerce.notices.notices import NoticeKind
from commerce.orders.gate import HOLD_MS
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, open_shop, running, running_shop, shop_plan
from tests.support.payment_provider import MemoryLogin, MemoryProvider
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record


async def place(shop: Shop, guest: str, product: str = "tea") -> OrderView:
    """Place an order and wait until its page may pay."""
    order = await shop.commerce.orders.place(shop.tap(guest, product))
    assert isinstance(order, OrderView)
    assert order.state is OrderState.WAITING_PAYMENT
    await wait_until(lambda: getattr(shop.seen(order.id).payment, "action", None) is not None)
    return order


async def pay(shop: Shop, provider: MemoryProvider, order: OrderView) -> None:
    """Pay, and have the provider report it."""
    await shop.commerce.intents.take_webhook(*provider.webhook(provider.pay(order.id)))


STEPS = ("leased", "created", "action", "stored", "handled")


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


class Dying:
    """A probe that kills a worker the first time that it comes to a step."""

    def __init__(self) -> None:
        self.step = ""
        self.deaths: set[str] = set()

    def __call__(self, now_at: str) -> None:
        if now_at == self.step:
            self.step = ""
            self.deaths.add(now_at)
            raise Killed

    async def at(self, step: str, work: Awaitable[object]) -> None:
        """Do the work, or die at the step if it has not happened yet."""
        self.step = "" if step in self.deaths else step
        try:
            await work
        except Killed:
            pass


async def test_units_of_an_order_that_is_not_paid_go_back_on_sale_and_its_late_payment_back(
    sqlite_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    plan = shop_plan(1)
    async with running_shop(sqlite_url, valkey_url, provider=provider, plan=plan) as shop:
        order = await place(shop, "anna")
        payment = shop.seen(order.id).payment
        assert payment and payment.action
        assert payment.action.url == f"memory://pay/{order.id}"
        assert payment.action.qr.startswith("data:image/svg+xml")
        late = provider.pay(order.id)
        await provider.create(IntentRequest("stray-1", 70, "tea", 0, "", ""))
        await shop.commerce.intents.take_webhook(*provider.webhook(provider.pay("stray-1")))
        shop.clock.ahead_ms = 15 * 60_000
        provider.down.update(("query", "close"))
        await wait_until(lambda: shop.seen(order.id).state is OrderState.EXPIRED)
        bert = await place(shop, "bert")
        await shop.commerce.intents.take_webhook(*provider.webhook(late))
        await wait_until(lambda: shop.seen(order.id).refunded_fen == order.total_fen)
        assert shop.seen(order.id).state is OrderState.EXPIRED
        provider.pay(bert.id)
        provider.down.clear()
        await wait_until(lambda: "stray-1-0" in provider.refunds)
        shop.clock.ahead_ms += 60_000  # no webhook came: it is queried
        await wait_until(lambda: shop.seen(bert.id).state is OrderState.NEW)
        await sound(shop)


async def test_a_household_joins_its_group_when_it_pays(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "JUST_PLACED_MS", 3_600_000)  # however busy the machine is
    provider = MemoryProvider()
    plan = shop_plan(10, target=2)
    async with running_shop(database_url, valkey_url, provider=provider, plan=plan) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        orders = [await place(shop, guest, "pear") for guest in ("anna", "bert", "cleo")]
        group_id = orders[0].group_id or ""
        assert shop.seen_group(group_id).joined in (0, -1)
        await shop.commerce.rebuild.force()
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("anna", "pear", key="once more"))
        assert refused.value.refusal is Refusal.ALREADY_JOINED
        await pay(shop, provider, orders[0])
        await wait_until(lambda: shop.seen(orders[0].id).state is OrderState.WAITING_GROUP)
        await wait_until(lambda: shop.seen_group(group_id).joined == 1)
        given_up = await shop.commerce.fulfilment.cancel(orders[1].id, "bert")
        assert given_up.state is OrderState.CANCELLED
        await pay(shop, provider, orders[2])
        await wait_until(lambda: shop.seen(orders[0].id).state is OrderState.NEW)
        assert shop.seen(orders[2].id).state is OrderState.NEW
        assert shop.seen_group(group_id).joined == 2
        await sound(shop)
        assert set(shop.feed.placed) == {orders[0].id, orders[2].id}, "those that were paid"


async def test_a_worker_that_dies_between_any_two_steps_is_followed_by_one_that_goes_on(
    sqlite_url: str, valkey_url: str
) -> None:
    provider, dying = MemoryProvider(), Dying()
    async with open_shop(sqlite_url, valkey_url, provider=provider, probe=dying) as shop:
        commerce, intents = shop.commerce, shop.commerce.intents
        gate = asyncio.create_task(commerce.gates.run())
        orders = {}
        for step in STEPS:
            placed = await commerce.orders.place(shop.tap(step), wait_s=0)
            assert isinstance(placed, Pending)
            await commerce.ledger.step()
            orders[step] = placed.order_id
            await dying.at(step, intents.step())
            shop.clock.ahead_ms += LEASE_MS
            await intents.step()  # takes over what the dead one had leased
            paid = provider.webhook(provider.pay(placed.order_id))
            await dying.at(step, intents.take_webhook(*paid))
            await intents.take_webhook(*paid)
            await dying.at(step, intents.step())
            await intents.step()
        gate.cancel()
        assert dying.deaths == {*STEPS}
        assert len(provider.attempts) == len(STEPS)
        async with shop.commerce.record.read() as connection:
            states = await connection.scalars(text("SELECT DISTINCT state FROM orders"))
            assert list(states) == ["new"]
        async with running(commerce):
            await sound(shop)


async def ordered(shop: Shop, guest: str, product: str = "tea", group: str | None = None) -> str:
    """Place an order that waits for its payment, while only the gate runs; return its id."""
    tap = shop.tap(guest, product, group=group)
    placed = await shop.commerce.orders.place(tap, wait_s=0)
    assert isinstance(placed, Pending)
    await shop.commerce.ledger.step()
    return placed.order_id


async def delivered(shop: Shop) -> None:
    """The outbox is delivered, while nothing runs."""
    while await shop.commerce.relay.step():
        pass


async def paid_late(shop: Shop, provider: MemoryProvider, order_id: str) -> None:
    """The order expires, and then the provider is found to have its money; no webhook comes."""
    provider.pay(order_id)
    for wait_ms in (PAY_MS, QUERY_MS):
        shop.clock.ahead_ms += wait_ms
        await shop.commerce.intents.step()


async def notices_of(shop: Shop, guest_id: str) -> list[tuple[NoticeKind, str]]:
    """What a guest's page shows, newest first."""
    return [(one.kind, one.subject) for one in await shop.commerce.notices.mine(guest_id)]


async def states_of(shop: Shop, *order_ids: str) -> list[OrderState]:
    """Where orders stand."""
    return [(await shop.commerce.orders.get(id)).state for id in order_ids]


async def test_a_late_payment_takes_its_seat_and_completes_the_group(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    plan = shop_plan(10, target=2)
    async with open_shop(database_url, valkey_url, provider=provider, plan=plan) as shop:
        commerce, intents = shop.commerce, shop.commerce.intents
        gate = asyncio.create_task(commerce.gates.run())
        await commerce.groups.pin("demo", "pear", None)
        await delivered(shop)
        group_id = await commerce.gates.of("b").open_group("e1", "pear")
        anna = (await commerce.people.add_guest("Anna", "e1")).guest.id
        late = await ordered(shop, anna, "pear", group_id)
        await intents.step()
        await paid_late(shop, provider, late)
        await intents.step()  # the units are not on sale again yet
        assert await states_of(shop, late) == [OrderState.EXPIRED]
        in_time = await ordered(shop, "bert", "pear", group_id)
        await intents.step()
        await intents.take_webhook(*provider.webhook(provider.pay(in_time)))
        await intents.step()
        assert await states_of(shop, in_time) == [OrderState.WAITING_GROUP]
        await delivered(shop)
        shop.clock.ahead_ms += LEASE_MS
        await intents.step()
        assert await states_of(shop, late, in_time) == [OrderState.NEW, OrderState.NEW]
        assert await notices_of(shop, anna) == [(NoticeKind.LATE_PAID, late)]
        gate.cancel()
        async with running(commerce):
            await sound(shop)
            assert shop.seen_group(group_id).joined == 2
            await commerce.fulfilment.move(late, OrderState.CANCELLED, "u1")
            await wait_until(lambda: shop.seen(late).refunded_fen == 600)
            await sound(shop)


async def test_a_buyer_has_notice_once_before_an_order_expires_and_when_its_payment_goes_back(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with open_shop(database_url, valkey_url, provider=provider) as shop:
        commerce, intents, unpaid = (
            shop.commerce,
            shop.commerce.intents,
            shop.commerce.unpaid_notices,
        )
        gate = asyncio.create_task(commerce.gates.run())
        anna, bert = [(await commerce.people.add_guest(name, "e1")).guest.id for name in "ab"]
        late, paid = await ordered(shop, anna), await ordered(shop, bert)
        await intents.step()
        await intents.take_webhook(*provider.webhook(provider.pay(paid)))
        await intents.step()
        shop.clock.ahead_ms += PAY_MS - UNPAID_NOTICE_MS - AHEAD_MS
        assert await unpaid.step() == 0
        async with commerce.record.read() as connection:
            assert await connection.run_sync(unpaid.is_due, shop.clock() + AHEAD_MS)
        shop.clock.ahead_ms += AHEAD_MS
        assert await unpaid.step() == 1
        assert await unpaid.step() == 0
        assert await notices_of(shop, anna) == [(NoticeKind.UNPAID, late)]
        shop.clock.ahead_ms += UNPAID_NOTICE_MS
        await intents.step()
        shop.clock.ahead_ms += HONOUR_MS
        for _ in range(2):
            await intents.take_webhook(*provider.webhook(provider.pay(late)))
            await intents.step()
        gate.cancel()
        kinds = [NoticeKind.LATE_REFUND, NoticeKind.UNPAID]
        assert await notices_of(shop, anna) == [(kind, late) for kind in kinds]
        assert await notices_of(shop, bert) == []


async def test_a_late_payment_is_decided_once_whatever_dies_meanwhile(
    sqlite_url: str, valkey_url: str
) -> None:
    provider, dying = MemoryProvider(), Dying()
    ways = list(itertools.product(("readmitted", "decided"), ("", "sweep", "rebuild")))
    plan = shop_plan(len(ways))
    async with open_shop(sqlite_url, valkey_url, provider=provider, probe=dying, plan=plan) as shop:
        commerce, intents = shop.commerce, shop.commerce.intents
        gate = asyncio.create_task(commerce.gates.run())
        late = []
        for step, follows in ways:
            late.append(await ordered(shop, f"{step}-{follows}"))
            await intents.step()
            await paid_late(shop, provider, late[-1])
            await delivered(shop)
            dying.deaths.clear()
            await dying.at(step, intents.step())
            assert dying.deaths == {step}
            shop.clock.ahead_ms += HOLD_MS
            if follows == "sweep":
                await commerce.gates.sweep(shop.clock())
            elif follows == "rebuild":
                await commerce.rebuild.force()
            await intents.step()
            await delivered(shop)
        gate.cancel()
        assert await states_of(shop, *late) == [OrderState.NEW] * len(ways)
        assert not provider.refunds
        async with running(commerce):
            await sound(shop)


async def test_a_provider_that_asks_who_pays_is_called_once_the_page_has_said_so(
    sqlite_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider(asks_payer=True, login=MemoryLogin())
    in_app = PayingPage("203.0.113.9", phone=True, in_app=True)
    desk = PayingPage("2001:db8::7", phone=False, in_app=False)
    async with open_shop(sqlite_url, valkey_url, provider=provider) as shop:
        payers, intents = shop.commerce.payers, shop.commerce.intents
        gate = asyncio.create_task(shop.commerce.gates.run())
        anna, bert, cleo = [await ordered(shop, guest) for guest in ("anna", "bert", "cleo")]
        gate.cancel()
        await intents.step()
        assert provider.attempts == {}
        with pytest.raises(NotFound):
            await payers.begin(anna, "bert", desk)
        assert anna in (await payers.begin(anna, "anna", in_app) or "")
        assert await payers.begin(anna, "anna", replace(in_app, code="o1")) is None
        assert await payers.begin(anna, "anna", desk) is None
        assert await payers.begin(bert, "bert", desk) is None
        assert await payers.begin(cleo, "cleo", replace(in_app, code="old")) is None
        await intents.step()
        assert {id: attempt.request.payer for id, attempt in provider.attempts.items()} == {
            anna: Payer("o1", "203.0.113.9", False),
            bert: Payer("", "2001:db8::7", False),
            cleo: Payer("", "203.0.113.9", False),
        }
        assert await payers.begin(anna, "anna", in_app) is None
        async with shop.commerce.record.read() as connection:
            kept = await connection.scalars(text("SELECT id FROM intents WHERE payer IS NOT NULL"))
            assert list(kept) == []


async def test_events_in_any_order_keep_money_and_units(sqlite_url: str, valkey_url: str) -> None:
    """Paid by webhook, the same again, paid by query, declined, the time is over: each fourth way.

    Of those that are paid late, as many are taken up again as there are units left.
    """
    happenings = ("webhook", "webhook", "query", "declined", "over")
    ways = sorted(set(itertools.permutations(happenings)))[::4]
    provider = MemoryProvider()
    async with open_shop(
        sqlite_url, valkey_url, provider=provider, plan=shop_plan(len(ways))
    ) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        placed = [
            await shop.commerce.orders.place(shop.tap(f"g{n}"), wait_s=0) for n in range(len(ways))
        ]
        await shop.commerce.ledger.step()
        gate.cancel()
        while len(provider.attempts) < len(ways):
            await shop.commerce.intents.step()  # some at a time
        for reference in provider.attempts:
            provider.pay(reference)

        def happen(connection: Connection, order_id: str, what: str) -> None:
            if what == "over":
                expire_intent(connection, order_id, shop.clock() + PAY_MS)
                return
            kind = IntentEvent.FAILED if what == "declined" else IntentEvent.PAID
            event = BookedEvent(kind, "m1", f"{order_id}:{what}", 990, 1)
            book_event(connection, order_id, event, shop.clock())

        for order, way in zip(placed, ways, strict=True):
            assert isinstance(order, Pending)
            for what in way:
                async with shop.commerce.record.write(durable=False) as connection:
                    await connection.run_sync(happen, order.order_id, what)
        for order, way in zip(placed, ways, strict=True):
            assert isinstance(order, Pending)
            async with shop.commerce.record.read() as connection:
                intent = await connection.run_sync(find_intent, order.order_id)
                events = await connection.run_sync(events_of, order.order_id)
            assert intent and intent.state is fold(events)
            row = await shop.commerce.orders.get(order.order_id)
            in_time = way[0] in ("webhook", "query")
            assert row.state is (OrderState.NEW if in_time else OrderState.EXPIRED)
            assert row.paid_fen == row.total_fen
        late = [
            order.order_id
            for order, way in zip(placed, ways, strict=True)
            if isinstance(order, Pending) and way[0] in ("declined", "over")
        ]
        shop.clock.ahead_ms = PAY_MS
        await delivered(shop)
        gate = asyncio.create_task(shop.commerce.gates.run())
        others = [await ordered(shop, f"x{n}") for n in range(len(late) // 3)]
        gate.cancel()
        while await shop.commerce.intents.step():
            pass
        states = await states_of(shop, *late)
        assert states.count(OrderState.EXPIRED) == len(others) > 0
        assert states.count(OrderState.NEW) == len(late) - len(others) > 0
        async with running(shop.commerce):
            await sound(shop)
        assert len(provider.refunds) == len(others)
