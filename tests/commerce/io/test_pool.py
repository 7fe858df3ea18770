"""Every connection of the record is taken for longer than is waited for one."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import pytest
import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from commerce.io.gate import reconcile
from commerce.io.record import engine as engines
from commerce.io.record.engine import is_away
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, open_shop, running
from tests.support.waiting import wait_until

WAIT_S = 0.02
WORKERS = {"ledger unavailable", "outbox relay unavailable", "reconciliation unavailable"}


async def hold_all(shop: Shop, held: AsyncExitStack) -> None:
    """Take connections until there is none; on SQLite also those of threads."""
    await shop.commerce.record.query(lambda at: at.scalar(select(1)))
    threaded = shop.commerce.record._threaded
    with contextlib.suppress(OperationalError):
        while True:
            await held.enter_async_context(shop.engine.connect())
    if isinstance(threaded, Engine):
        with contextlib.suppress(OperationalError):
            while True:
                connection = await asyncio.to_thread(threaded.connect)
                held.push_async_callback(asyncio.to_thread, connection.close)


async def test_workers_wait_for_a_connection_and_go_on_once_there_is_one(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POOL_WAIT_S", WAIT_S)
    # Each step of the reconciliation reads the record.
    monkeypatch.setattr(reconcile, "COMPARE_EVERY", 1)
    monkeypatch.setattr(reconcile, "ROWS_KEPT_MS", 0)
    async with open_shop(database_url, valkey_url) as shop, AsyncExitStack() as held:
        with structlog.testing.capture_logs() as logs:
            async with running(shop.commerce):
                await hold_all(shop, held)
                with pytest.raises(OperationalError) as found:
                    await shop.commerce.record.query(lambda at: at.scalar(select(1)))
                assert is_away(found.value)
                tap = asyncio.create_task(shop.commerce.orders.place(shop.tap("h1")))

                def have_failed() -> bool:
                    return {str(entry["event"]) for entry in logs} >= WORKERS

                await wait_until(have_failed, what="each worker to have waited in vain")
                await held.aclose()
                assert isinstance(await tap, OrderView)
