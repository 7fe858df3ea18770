"""Webhooks of the payment provider: what is taken, and what is refused and counted."""

import dataclasses
import itertools
from types import SimpleNamespace

import httpx
from starlette.applications import Starlette

from commerce.money.providers import EventKind
from commerce.orders.states import OrderState
from commerce.views import OrderView
from server.http.hooks.payments import routes
from server.problem import Problem, problem_handler
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop
from tests.support.payment_provider import SIGNATURE, MemoryProvider
from tests.support.waiting import wait_until

HOOK = "/hooks/payments/memory"


def client(shop: Shop) -> httpx.AsyncClient:
    app = Starlette(routes=routes, exception_handlers={Problem: problem_handler})
    app.state.services = SimpleNamespace(commerce=shop.commerce)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def test_only_webhooks_of_the_provider_and_of_now_are_taken_and_each_of_them_once(
    sqlite_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with (
        running_shop(sqlite_url, valkey_url, provider=provider) as shop,
        client(shop) as web,
    ):
        order = await shop.commerce.orders.place(shop.tap("anna"))
        assert isinstance(order, OrderView)
        await wait_until(lambda: order.id in provider.attempts)
        headers, body = provider.webhook(provider.pay(order.id))
        for signed, status, reason in (
            ({}, 401, "unsigned"),
            ({SIGNATURE: "m2"}, 401, "foreign"),
            ({SIGNATURE: "stale"}, 409, "stale"),
        ):
            refused = await web.post(HOOK, content=body, headers=signed)
            assert (refused.status_code, refused.json()["reason"]) == (status, reason)
        assert (await web.post("/hooks/payments/other", content=body)).status_code == 404
        assert (await web.post(HOOK, content=b"x" * 70_000)).status_code == 413
        waits = await shop.commerce.orders.get(order.id)
        assert waits.state is OrderState.WAITING_PAYMENT
        for _ in range(3):
            taken = await web.post(HOOK, content=body, headers=headers)
            assert (taken.status_code, taken.content) == (200, b"success")
        await wait_until(lambda: shop.seen(order.id).state is OrderState.NEW)
        late, _ = provider.webhook(provider.pay(order.id))
        other = dataclasses.replace(provider.pay(order.id), event_id="sent-anew")
        await web.post(HOOK, content=provider.webhook(other)[1], headers=late)
        assert shop.commerce.intents.webhooks == {
            "unsigned": 1,
            "foreign": 1,
            "stale": 1,
            "paid": 2,
            "again": 2,
        }
        await sound(shop)


FORGED = {
    "unsigned": ({}, 401),
    "foreign": ({SIGNATURE: "m2"}, 401),
    "stale": ({SIGNATURE: "stale"}, 409),
}


async def test_webhooks_in_any_order_of_delivery_pay_each_order_once(
    sqlite_url: str, valkey_url: str
) -> None:
    """Paid, the same again, declined before it, and a forged one: each order, in every order."""
    happenings = ("paid", "paid", "declined", "forged")
    ways = [
        tuple(forged if what == "forged" else what for what in way)
        for way in sorted(set(itertools.permutations(happenings)))
        for forged in FORGED
    ]
    assert len(ways) == 36
    provider = MemoryProvider()
    async with (
        running_shop(sqlite_url, valkey_url, provider=provider) as shop,
        client(shop) as web,
    ):
        taps = [shop.tap(f"guest-{n}") for n in range(len(ways))]
        placed = [await shop.commerce.orders.place(tap) for tap in taps]
        ids = [order.id for order in placed if isinstance(order, OrderView)]
        await wait_until(lambda: set(ids) <= set(provider.attempts))
        events = []
        for order_id in ids:
            paid = provider.pay(order_id)
            declined = dataclasses.replace(paid, event_id=f"no-{order_id}", kind=EventKind.FAILED)
            events.append({"paid": paid, "declined": declined})
        for place in range(len(happenings)):  # all orders' first deliveries, then all second ones
            for way, known in zip(ways, events, strict=True):
                what = way[place]
                headers, body = provider.webhook(known.get(what, known["paid"]))
                forged, expected = FORGED.get(what, (headers, 200))
                answer = await web.post(HOOK, content=body, headers=forged)
                assert answer.status_code == expected, way
        await wait_until(lambda: {shop.seen(id).state for id in ids} == {OrderState.NEW})
        for id in ids:
            order = await shop.commerce.orders.get(id)
            assert (order.paid_fen, order.refunded_fen) == (order.total_fen, 0)
        counted = {name: len(ways) // len(FORGED) for name in FORGED}
        counted |= {"paid": len(ways), "failed": len(ways), "again": len(ways)}
        assert shop.commerce.intents.webhooks == counted
        await sound(shop)
