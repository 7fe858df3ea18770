"""Attempts and refunds through all faults of the sandbox at once, in virtual time."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from commerce.money.providers import EventKind, ProviderEvent, Unreachable
from server.sandbox.book import TradeState
from server.sandbox.faults import Faults
from tests.support.payment_sandbox import PROVIDERS, REQUEST, Played, played

TRIES_MAX = 60
T = TypeVar("T")


async def through(one: Played, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call until its outcome is known, a second apart."""
    for _ in range(TRIES_MAX):
        try:
            return await call()
        except Unreachable:
            one.now_ms += 1_000
    raise AssertionError("never answered")


async def decided(
    one: Played, query: Callable[[], Awaitable[ProviderEvent | None]]
) -> ProviderEvent:
    """Query until it is decided, ten seconds apart."""
    for _ in range(TRIES_MAX):
        event = await through(one, query)
        if event is not None:
            return event
        one.now_ms += 10_000
    raise AssertionError("never decided")


@pytest.mark.parametrize(
    ("seed", "attempts"),
    [(11, 3), *(pytest.param(seed, 12, marks=pytest.mark.soak) for seed in range(20))],
)
@pytest.mark.parametrize("name", PROVIDERS)
async def test_every_attempt_and_refund_is_decided_once_through_all_faults(
    name: str, seed: int, attempts: int
) -> None:
    chance = random.Random(seed)
    faults = Faults(
        seed=seed, errors=0.25, mute=0.25, lost=0.3, twice=0.4, failing=0.2, delay_s=30.0
    )
    async with played(name, faults) as one:
        provider, paid_fen, back_fen = one.provider, 0, 0
        for n in range(attempts):
            expires_ms = one.now_ms + 86_400_000
            request = replace(REQUEST, reference=f"order-{n}-try-1", expires_at_ms=expires_ms)
            reference = request.reference
            await through(one, lambda: provider.create(request))  # noqa: B023
            pays = n == 0 or chance.random() < 0.7
            if pays:
                one.sandbox.decide(one.sandbox.book.trades(one.now_ms)[0].token, TradeState.PAID)
            else:
                await through(one, lambda: provider.close(reference))  # noqa: B023
            end = await decided(one, lambda: provider.query(reference))  # noqa: B023
            assert end.kind is (EventKind.PAID if pays else EventKind.CLOSED)
            await one.webhooks()
            if not pays:
                continue
            paid_fen += end.amount_fen
            back = (reference, f"order-{n}-back-1", 700, request.amount_fen)
            await through(one, lambda: provider.refund(*back))  # noqa: B023
            if name == "alipay":  # which never says that a refund has failed
                continue
            refund = await decided(one, lambda: provider.query_refund(*back[:2]))  # noqa: B023
            back_fen += refund.amount_fen if refund.kind is EventKind.REFUNDED else 0
        while (due_ms := one.sandbox.notices.next_ms()) is not None:
            one.now_ms = max(one.now_ms, due_ms)
            await one.webhooks()
        trades = one.sandbox.book.trades(one.now_ms)
        assert paid_fen == sum(t.amount_fen for t in trades if t.state is TradeState.PAID)
        assert all(len(trade.refunds) <= 1 for trade in trades)
        if name != "alipay":
            refunds = [refund for trade in trades for refund in trade.refunds.values()]
            assert back_fen == sum(one.amount_fen for one in refunds if not one.fails)
        assert not one.refused
        kinds = Counter((event.reference, event.refund_reference) for event in one.events)
        assert max(kinds.values()) <= 2  # one fact, at most doubled
