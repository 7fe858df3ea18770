"""Each adapter against the sandbox, over HTTP on loopback and in virtual time."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from commerce.money.providers import (
    ActionKind,
    EventKind,
    ProviderRefused,
    Unreachable,
)
from server.sandbox.book import TradeState
from server.sandbox.faults import Faults
from tests.support.payment_sandbox import PROVIDERS, REQUEST, Played, played
from tests.support.payment_vectors import private

REFERENCE = REQUEST.reference


def token_of(one: Played) -> str:
    return one.sandbox.book.trades(one.now_ms)[0].token


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_payment_is_created_paid_reported_and_refunded_in_parts(name: str) -> None:
    async with played(name) as one:
        provider = one.provider
        assert await provider.query(REFERENCE) is None
        action = await provider.create(REQUEST)
        assert action.kind is (ActionKind.REDIRECT if name == "stripe" else ActionKind.QR)
        assert action.data["url"] == f"http://pay.example/pay/{token_of(one)}"
        assert await provider.create(REQUEST) == action
        assert await provider.query(REFERENCE) is None

        one.sandbox.decide(token_of(one), TradeState.PAID)
        assert await one.webhooks() == 1
        [paid] = one.events
        assert (paid.kind, paid.reference, paid.amount_fen) == (EventKind.PAID, REFERENCE, 8_880)
        queried = await provider.query(REFERENCE)
        assert queried is not None
        assert replace(queried, event_id=paid.event_id, at_ms=paid.at_ms) == paid

        await provider.close(REFERENCE)  # has no effect any more
        one.events.clear()
        for n, fen in ((1, 800), (2, 8_080)):
            back = f"order-1-back-{n}"
            assert await provider.query_refund(REFERENCE, back) is None
            first = await provider.refund(REFERENCE, back, fen, 8_880)
            again = await provider.refund(REFERENCE, back, fen, 8_880)
            assert first is not None
            assert again is not None
            assert first.kind is EventKind.REFUNDED
            assert first.refund_reference == back
            assert (first.amount_fen, again.amount_fen) == (fen, fen)
            await one.webhooks()
            one.now_ms += 60_000
        assert {event.refund_reference for event in one.events} <= {
            "order-1-back-1",
            "order-1-back-2",
        }
        assert {event.kind for event in one.events} <= {EventKind.REFUNDED}
        after = await provider.query(REFERENCE)
        assert after is not None
        assert after.kind is EventKind.PAID  # even when all of it went back
        with pytest.raises(ProviderRefused):
            await provider.refund(REFERENCE, "order-1-back-3", 1, 8_880)
        assert not one.refused


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_attempt_ends_unpaid_by_close_or_time_or_refusal(name: str) -> None:
    async with played(name) as one:
        provider = one.provider
        await provider.create(REQUEST)
        await provider.close(REFERENCE)
        closed = await provider.query(REFERENCE)
        assert closed is not None
        assert closed.kind is EventKind.CLOSED
        await provider.close(REFERENCE)
        await provider.close("order-0-try-1")  # unknown

        second = replace(REQUEST, reference="order-1-try-2")
        await provider.create(second)
        one.sandbox.decide(token_of(one), TradeState.DECLINED)
        declined = await provider.query(second.reference)
        if name == "alipay":  # the buyer may try again until the time is over
            assert declined is None
        else:
            assert declined is not None
            assert declined.kind is EventKind.FAILED

        third = replace(REQUEST, reference="order-1-try-3")
        await provider.create(third)
        token = token_of(one)
        if name != "stripe":  # which ends no intent by itself
            one.now_ms = third.expires_at_ms
            expired = await provider.query(third.reference)
            assert expired is not None
            assert expired.kind is EventKind.CLOSED
            one.sandbox.decide(token, TradeState.PAID)
            still = await provider.query(third.reference)
            assert still is not None
            assert still.kind is EventKind.CLOSED


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_reference_with_another_amount_is_refused(name: str) -> None:
    async with played(name) as one:
        await one.provider.create(REQUEST)
        with pytest.raises(ProviderRefused):
            await one.provider.create(replace(REQUEST, amount_fen=1))
        [trade] = one.sandbox.book.trades(one.now_ms)
        assert trade.amount_fen == 8_880


@pytest.mark.parametrize("name", PROVIDERS)
async def test_webhooks_come_again_until_they_are_acknowledged(name: str) -> None:
    async with played(name, Faults(twice=1.0)) as one:
        await one.provider.create(REQUEST)
        one.sandbox.decide(token_of(one), TradeState.PAID)
        one.answers = [500, 404]
        assert await one.webhooks() == 0
        while len(one.events) < 2:
            due_ms = one.sandbox.notices.next_ms()
            assert due_ms is not None
            one.now_ms = due_ms
            await one.webhooks()
        assert one.sandbox.notices.next_ms() is None
        first, second = one.events
        assert first == second
        assert not one.refused


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_lost_webhook_is_made_up_for_by_a_query(name: str) -> None:
    async with played(name, Faults(lost=1.0)) as one:
        await one.provider.create(REQUEST)
        one.sandbox.decide(token_of(one), TradeState.PAID)
        assert await one.webhooks() == 0
        queried = await one.provider.query(REFERENCE)
        assert queried is not None
        assert queried.kind is EventKind.PAID


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_call_that_is_done_and_not_answered_is_unknown_and_made_once(name: str) -> None:
    async with played(name) as one:
        faults = one.sandbox.faults
        faults.mute = 1.0
        with pytest.raises(Unreachable):
            await one.provider.create(REQUEST)
        faults.mute = 0.0
        await one.provider.create(REQUEST)
        one.sandbox.decide(token_of(one), TradeState.PAID)
        await one.provider.query(REFERENCE)

        refund = (REFERENCE, "order-1-back-1", 500, 8_880)
        faults.errors = 1.0
        with pytest.raises(Unreachable):
            await one.provider.refund(*refund)
        faults.errors = 0.0
        assert await one.provider.query_refund(REFERENCE, "order-1-back-1") is None
        faults.mute = 1.0
        with pytest.raises(Unreachable):
            await one.provider.refund(*refund)
        faults.mute = 0.0
        await one.provider.refund(*refund)
        found = await one.provider.query_refund(REFERENCE, "order-1-back-1")
        assert found is not None
        assert found.kind is EventKind.REFUNDED
        [trade] = one.sandbox.book.trades(one.now_ms)
        assert trade.refunded_fen == 500


@pytest.mark.parametrize("name", PROVIDERS)
async def test_calls_beyond_the_providers_pace_are_unknown(name: str) -> None:
    async with played(name, Faults(calls_per_s=1)) as one:
        await one.provider.create(REQUEST)
        with pytest.raises(Unreachable):
            await one.provider.query(REFERENCE)
        one.now_ms += 1_000
        assert await one.provider.query(REFERENCE) is None


@pytest.mark.parametrize("name", ["wechat", "stripe"])
async def test_a_refund_that_fails_in_the_end_is_reported(name: str) -> None:
    async with played(name, Faults(failing=1.0)) as one:
        await one.provider.create(REQUEST)
        one.sandbox.decide(token_of(one), TradeState.PAID)
        await one.webhooks()
        await one.provider.refund(REFERENCE, "order-1-back-1", 500, 8_880)
        await one.webhooks()
        found = await one.provider.query_refund(REFERENCE, "order-1-back-1")
        assert found is not None
        assert [event.kind for event in one.events] == [EventKind.PAID, EventKind.REFUND_FAILED]
        assert found.kind is EventKind.REFUND_FAILED


async def test_refunds_of_an_order_are_a_minute_apart() -> None:
    async with played("wechat") as one:
        await one.provider.create(REQUEST)
        one.sandbox.decide(token_of(one), TradeState.PAID)
        await one.provider.refund(REFERENCE, "order-1-back-1", 1, 8_880)
        one.now_ms += 59_999
        with pytest.raises(Unreachable):
            await one.provider.refund(REFERENCE, "order-1-back-2", 1, 8_880)
        one.now_ms += 1
        trade = one.sandbox.book.trades(one.now_ms)[0]
        for n in range(2, 49):
            back = trade.refunds["order-1-back-1"]
            trade.refunds[f"order-1-back-{n}"] = replace(back, reference=f"order-1-back-{n}")
        for n in (49, 50):
            await one.provider.refund(REFERENCE, f"order-1-back-{n}", 1, 8_880)
            one.now_ms += 60_000
        with pytest.raises(ProviderRefused):
            await one.provider.refund(REFERENCE, "order-1-back-51", 1, 8_880)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_account_with_another_key_is_refused(name: str) -> None:
    async with played(name) as one:
        account = one.provider._of  # type: ignore[attr-defined]
        theirs = private("provider")
        other = {"secret_key": "sk_2"} if name == "stripe" else {"private_key": theirs}
        one.provider._of = replace(account, **other)  # type: ignore[attr-defined]
        with pytest.raises((ProviderRefused, Unreachable)):
            await one.provider.create(REQUEST)
        assert one.sandbox.book.trades(one.now_ms) == []


async def test_a_person_pays_on_the_page() -> None:
    async with played("wechat", over_tcp=True) as one:
        await one.provider.create(REQUEST)
        async with httpx.AsyncClient(base_url=one.url, follow_redirects=True) as browser:
            page = await browser.get(f"/pay/{token_of(one)}?redirect_url=http://a.example/%22b")
            assert "¥88.80" in page.text
            assert "邻里 &amp; 3 件" in page.text
            paid = await browser.post(f"/pay/{token_of(one)}", data={"answer": "pay"})
            assert "已支付" in paid.text
            assert 'href="http://a.example/&quot;b"' in paid.text
            assert "−" not in (await browser.get("/")).text
            assert (await browser.post("/pay/none", data={"answer": "pay"})).status_code == 404
            assert (await browser.post(f"/pay/{token_of(one)}", data={})).status_code == 400
        assert await one.webhooks() == 1


async def test_many_refunds_at_once_are_each_made_once() -> None:
    async with played("wechat", Faults(seed=3, mute=0.3, refunds_per_s=3)) as one:
        references = [f"order-{n}-try-1" for n in range(6)]
        one.sandbox.faults.mute = 0.0
        for reference in references:
            await one.provider.create(replace(REQUEST, reference=reference))
        for trade in one.sandbox.book.trades(one.now_ms):
            one.sandbox.decide(trade.token, TradeState.PAID)
        one.sandbox.faults.mute = 0.3
        waiting = set(references)

        async def back(reference: str) -> None:
            try:
                event = await one.provider.refund(reference, f"{reference}-b", 700, 8_880)
            except Unreachable:
                return
            assert event is not None
            waiting.discard(reference)

        while waiting:
            await asyncio.gather(*(back(reference) for reference in sorted(waiting)))
            one.now_ms += 1_000
        for trade in one.sandbox.book.trades(one.now_ms):
            assert trade.refunded_fen == 700
