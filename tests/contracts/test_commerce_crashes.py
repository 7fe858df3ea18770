"""A ledger dies between any two steps; its successor completes every order exactly once."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.errors import Refusal, Refused
from commerce.io.gate import keys, reconcile
from commerce.io.gate.redis_gate import StockRow
from commerce.io.gate.snapshot import read_stock
from commerce.io.shop.orders import Pending
from commerce.money.payments import Charge, MemoryPayments, PaymentOutcome
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, open_shop, running
from tests.support.gate_keys import GATE
from tests.support.records import each_record

database_url = each_record

BUYERS = 7
STEPS = ("read", "charged", "committed", "settled")


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


def dying_at(step: str) -> Callable[[str], None]:
    """A probe that kills the ledger at a step."""

    def probe(now_at: str) -> None:
        if now_at == step:
            raise Killed

    return probe


@pytest.mark.parametrize("step", STEPS)
async def test_no_order_is_lost_or_doubled_when_the_ledger_is_killed(
    database_url: str, valkey_url: str, step: str
) -> None:
    async with open_shop(database_url, valkey_url, probe=dying_at(step)) as shop:
        gate = asyncio.create_task(shop.commerce.gates.run())
        taps = [shop.tap(f"g{number}") for number in range(BUYERS)]
        # Without a wait, a tap is answered from the record as it is at that moment.
        place_now = partial(shop.commerce.orders.place, wait_s=0)
        assert all([isinstance(await place_now(tap), Pending) for tap in taps])
        with pytest.raises(Killed):
            await shop.commerce.ledger.step()
        answers = [await place_now(tap) for tap in taps]
        gate.cancel()
        committed = step in ("committed", "settled")
        expected = OrderView if committed else Pending
        assert [type(answer) for answer in answers] == [expected] * BUYERS

        async with open_shop(database_url, valkey_url) as again, running(again.commerce):
            again_answers = [await again.commerce.orders.place(tap) for tap in taps]
            assert all(isinstance(answer, OrderView) for answer in again_answers)
            await sound(again)
            for guest in range(BUYERS):
                assert len(await again.commerce.orders.mine(f"g{guest}")) == 1
            charged = await _charged(again)
            assert charged == (BUYERS, BUYERS * 990)


@pytest.mark.parametrize("lost", ["everything", "the last second"])
async def test_confirmed_orders_survive_the_loss_of_redis(
    database_url: str, redis_url: str, lost: str
) -> None:
    async with open_shop(database_url, redis_url) as shop:
        async with running(shop.commerce):
            before = await shop.redis.dump(GATE.available)
            orders = [
                await shop.commerce.orders.place(shop.tap(f"g{number}", quantity=10))
                for number in range(5)
            ]
            await quiet(shop)
            if lost == "everything":
                await shop.redis.flushall()
            else:  # stock as it was before the orders, and a run of Redis that we do not know
                assert before is not None
                await shop.redis.restore(GATE.available, 0, before, replace=True)
                await shop.redis.set(GATE.epoch, "another:run")
            again = [
                await shop.commerce.orders.place(shop.tap(f"g{number}", quantity=10))
                for number in range(5)
            ]
            assert again == orders
            await shop.commerce.reconcile.step()
            more = [
                await shop.commerce.orders.place(shop.tap(f"h{number}", quantity=10))
                for number in range(5)
            ]
            assert {order.state for order in more if isinstance(order, OrderView)} == {
                OrderState.NEW
            }
            await sound(shop)


async def test_the_record_refuses_and_refunds_what_the_gate_oversells(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop, running(shop.commerce):
        await shop.redis.hset(GATE.available, "tea|s1", "150")
        answers = await asyncio.gather(
            *(shop.commerce.orders.place(shop.tap(f"g{number}")) for number in range(130)),
            return_exceptions=True,
        )
        confirmed = [answer for answer in answers if isinstance(answer, OrderView)]
        assert len(confirmed) == 100
        await quiet(shop)
        await shop.commerce.reconcile.compare()
        await sound(shop)
        assert await _charged(shop, refunds=True) == (30, 30 * 990)


async def _charged(shop: Shop, *, refunds: bool = False) -> tuple[int, int]:
    table = "sandbox_refunds" if refunds else "sandbox_charges"
    async with shop.commerce.record.read() as connection:
        query = text(f"SELECT COUNT(*), SUM(amount_fen) FROM {table}")
        count, total = (await connection.execute(query)).one()
    return int(count), int(total)


async def test_poison_entries_become_dead_letters_and_hold_up_no_other(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop, running(shop.commerce):
        for poison in ("nonsense", "|".join(["x" * 32, *"bgernp", "1", "1", "", "s", "1"])):
            await shop.redis.xadd(GATE.orders, {"tap": poison})
        await shop.redis.xadd(GATE.orders, {"other": b"\xff"})
        newer = await shop.redis.xadd(GATE.orders, {"tap": "|" * 99})
        assert isinstance(await shop.commerce.orders.place(shop.tap("anna")), OrderView)
        assert await shop.redis.xlen(GATE.dead) == 3
        assert shop.commerce.ledger.dead_letters == 3
        # What only a newer version can read waits for a worker of that version.
        left = await shop.redis.xpending_range(GATE.orders, keys.CONSUMER_GROUP, "-", "+", 10)
        assert newer in [each["message_id"] for each in left]
        await shop.redis.xack(GATE.orders, keys.CONSUMER_GROUP, newer)
        await shop.redis.xdel(GATE.orders, newer)
        await sound(shop)


async def test_drift_is_found_and_repaired(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        await shop.redis.hincrby(GATE.available, "tea|s1", -9)
        await shop.redis.hincrby(GATE.available, "rice|s2", 4)
        found = await shop.commerce.reconcile.compare()
        assert (found.repaired, found.drift) == (2, 13)
        assert shop.commerce.reconcile.counts.drift_units == 13
        found = await shop.commerce.reconcile.compare()
        assert (found.compared, found.repaired) == (4, 0)


async def test_a_record_that_has_not_changed_is_not_read_again_to_be_compared(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    async def noted(connection: AsyncConnection, at_ms: int) -> list[StockRow]:
        read.append(at_ms)
        return await read_stock(connection, at_ms)

    monkeypatch.setattr(reconcile, "read_stock", noted)
    async with open_shop(database_url, valkey_url) as shop:
        found = await shop.commerce.reconcile.compare()
        before = len(read)
        await shop.redis.hincrby(GATE.available, "tea|s1", -9)
        assert (await shop.commerce.reconcile.compare()).repaired == 1
        # Another database of the same PostgreSQL may have been written to.
        assert len(read) == before or database_url.startswith("postgresql")
        async with running(shop.commerce):
            assert isinstance(await shop.commerce.orders.place(shop.tap("anna")), OrderView)
        assert (await shop.commerce.reconcile.compare()).compared == found.compared
        assert len(read) > before


async def test_an_unknown_payment_is_retried_and_a_declined_one_frees_its_units(
    database_url: str, valkey_url: str
) -> None:
    payments = MemoryPayments()
    payments.declines.add("poor")
    unanswered = ["once"]
    charge = payments.charge

    async def sometimes_mute(charges: Sequence[Charge]) -> Sequence[PaymentOutcome]:
        outcomes = await charge(charges)
        return [PaymentOutcome.UNKNOWN] * len(charges) if unanswered else outcomes

    payments.charge = sometimes_mute  # type: ignore[method-assign]  # fails at first
    async with open_shop(database_url, valkey_url, payments=payments) as shop:
        async with running(shop.commerce):
            tap = shop.tap("anna", quantity=20)
            assert isinstance(await shop.commerce.orders.place(tap, wait_s=0.1), Pending)
            unanswered.clear()
            assert isinstance(await shop.commerce.orders.place(tap), OrderView)
            with pytest.raises(Refused) as refused:
                await shop.commerce.orders.place(shop.tap("poor", quantity=20))
            assert refused.value.refusal is Refusal.PAYMENT_DECLINED
            with pytest.raises(Refused) as refused:
                await shop.commerce.orders.place(shop.tap("poor", quantity=20))
            assert refused.value.refusal is Refusal.PAYMENT_DECLINED
            assert await shop.commerce.orders.mine("poor") == []
            await sound(shop)
            assert await shop.redis.hget(GATE.available, "tea|s1") == b"80"


async def test_an_order_survives_short_failures_of_the_record(
    database_url: str, valkey_url: str
) -> None:
    failures = [1, 2]

    def failing(step: str) -> None:
        if step == "charged" and failures:
            failures.pop()
            raise OSError("the record is away")

    async with open_shop(database_url, valkey_url, probe=failing) as shop:
        async with running(shop.commerce):
            order = await shop.commerce.orders.place(shop.tap("anna"))
            assert isinstance(order, OrderView)
            assert not failures
            await sound(shop)
