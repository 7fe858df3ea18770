"""The figures of commerce are those of Redis and the record, and absent while these are away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import event

from commerce.io import metrics
from commerce.io.metrics import CommerceMetrics, Figures, GateFigures, RecordFigures
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.shop.orders import Pending
from commerce.money.payments import MemoryPayments, PaymentOutcome, Refund
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, open_shop
from tests.support.gate_keys import GATE
from tests.support.waiting import WAIT_S, free_port, wait_until

TAPS = 3


@pytest.fixture(autouse=True)
def patient_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not one that is away."""
    monkeypatch.setattr(metrics, "READ_S_MAX", WAIT_S)


async def gate_figures(shop: Shop) -> GateFigures:
    """What the metrics say of Redis."""
    gate = (await shop.commerce.metrics.read()).gate
    assert gate
    return gate


async def record_figures(shop: Shop) -> RecordFigures:
    """What the metrics say of the record."""
    record = (await shop.commerce.metrics.read()).record
    assert record
    return record


@asynccontextmanager
async def gate_running(shop: Shop) -> AsyncIterator[None]:
    """The gate admits; no ledger runs."""
    task = asyncio.create_task(shop.commerce.gates.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_backlog_lag_and_holds_rise_while_the_ledger_is_stopped(
    database_url: str, redis_url: str
) -> None:
    async with open_shop(database_url, redis_url) as shop:
        assert await gate_figures(shop) == GateFigures(0, 0, 0, 0)
        async with gate_running(shop):
            answers = await asyncio.gather(
                *(
                    shop.commerce.orders.place(shop.tap(f"g{number}"), wait_s=0.05)
                    for number in range(TAPS)
                )
            )
        assert all(isinstance(answer, Pending) for answer in answers)
        first = await gate_figures(shop)
        assert (first.backlog_entries, first.holds) == (TAPS, TAPS)
        assert first.ledger_lag_s > 0

        async def lag_rises() -> bool:
            return (await gate_figures(shop)).ledger_lag_s > first.ledger_lag_s

        await wait_until(lag_rises)
        await shop.commerce.ledger.step()
        assert await gate_figures(shop) == GateFigures(0, 0, 0, 0)


async def test_the_lag_is_the_age_of_the_oldest_entry(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        seconds, micros = await shop.redis.time()
        now_ms = seconds * 1_000 + micros // 1_000
        await shop.redis.xadd(GATE.orders, {"tap": "nonsense"}, id=f"{now_ms - 90_000}-0")
        await shop.redis.xadd(GATE.orders, {"tap": "nonsense"})
        found = await gate_figures(shop)
        assert found.backlog_entries == 2
        assert 90 <= found.ledger_lag_s < 90 + WAIT_S
        await shop.commerce.ledger.step()
        assert await gate_figures(shop) == GateFigures(0, 0, 0, dead_letters=2)


async def test_the_outbox_ages_until_it_is_delivered(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        before = (await record_figures(shop)).outbox_age_s
        shop.clock.ahead_ms = 60_000
        assert before + 60 <= (await record_figures(shop)).outbox_age_s < before + 60 + WAIT_S
        while await shop.commerce.relay.step():
            pass
        assert (await record_figures(shop)).outbox_age_s == 0


async def test_refunds_wait_until_the_provider_confirms_them(
    database_url: str, valkey_url: str
) -> None:
    payments = MemoryPayments()
    refund = payments.refund

    async def mute(refunds: Sequence[Refund]) -> Sequence[PaymentOutcome]:
        return [PaymentOutcome.UNKNOWN] * len(refunds)

    async with open_shop(database_url, valkey_url, payments=payments) as shop:
        async with gate_running(shop):
            tap = asyncio.create_task(shop.commerce.orders.place(shop.tap("anna")))
            await wait_until(lambda: shop.redis.xlen(GATE.orders))
            await shop.commerce.ledger.step()
            order = await tap
        assert isinstance(order, OrderView)
        await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        payments.refund = mute  # type: ignore[method-assign]  # gives no answer
        await shop.commerce.relay.step()
        enqueued = await record_figures(shop)
        shop.clock.ahead_ms = 3_600_000
        await shop.commerce.relay.step()
        waiting = await record_figures(shop)
        assert (enqueued.refunds_waiting, waiting.refunds_waiting) == (1, 1)
        # A row that is tried again keeps its age, although it is due only later.
        assert waiting.outbox_age_s >= 3_600
        payments.refund = refund  # type: ignore[method-assign]  # answers again
        shop.clock.ahead_ms *= 2
        while await shop.commerce.relay.step():
            pass
        assert await record_figures(shop) == RecordFigures(0, 0)


async def test_drift_is_what_the_last_comparison_found(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        assert (await shop.commerce.metrics.read()).gate_drift_units is None
        await shop.redis.hincrby(GATE.available, "tea|s1", -9)
        for drift in (9, 0):
            await shop.commerce.reconcile.compare()
            assert (await shop.commerce.metrics.read()).gate_drift_units == drift


async def figures_without(
    shop: Shop, redis: Redis | None = None, record: Record | None = None
) -> Figures:
    """Two scrapes with a Redis or a record of their own."""
    commerce = shop.commerce
    read = CommerceMetrics(
        record or commerce.record,
        redis or shop.redis,
        commerce.gates,
        commerce.reconcile,
        shop.clock,
    ).read
    await read()
    return await read()


async def test_figures_of_a_redis_that_is_away_are_absent(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        async with Redis(port=free_port(), retry=Retry(NoBackoff(), 0)) as away:
            found = await figures_without(shop, redis=away)
        assert found.gate is None
        assert found.record is not None
        assert found.scrape_errors == {"redis": 2, "sql": 0}


async def test_a_redis_that_does_not_answer_is_not_waited_for(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "READ_S_MAX", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_shop(database_url, valkey_url) as shop:
        async with Redis(port=port) as mute:
            found = await figures_without(shop, redis=mute)
        assert found.gate is None
        assert found.scrape_errors["redis"] == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_figures_of_a_record_that_is_away_are_absent(
    sqlite_url: str, valkey_url: str, kind: str
) -> None:
    away = {
        "sqlite": f"{sqlite_url}/missing/folder",
        "postgres": f"postgresql+asyncpg://linli@127.0.0.1:{free_port()}/linli",
    }[kind]
    async with open_shop(sqlite_url, valkey_url) as shop:
        engine = open_engine(away)
        found = await figures_without(shop, record=Record(engine))
        await close_engine(engine)
        assert found.record is None
        assert found.gate == GateFigures(0, 0, 0, 0)
        assert found.scrape_errors == {"redis": 0, "sql": 2}


async def test_a_scrape_is_one_redis_round_trip_and_one_statement(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        await shop.commerce.metrics.read()  # connections are open
        statements: list[str] = []
        event.listen(
            shop.engine.sync_engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_rest: statements.append(statement),
        )
        sent: list[object] = []
        execute = shop.redis.pipeline

        def counted(*arguments: object, **options: object) -> object:
            sent.append(arguments)
            return execute(*arguments, **options)  # type: ignore[arg-type]  # passed on

        shop.redis.pipeline = counted  # type: ignore[method-assign,assignment]  # counts
        await shop.commerce.metrics.read()
        assert len(sent) == 1
        assert len([text for text in statements if text != "BEGIN"]) == 1
