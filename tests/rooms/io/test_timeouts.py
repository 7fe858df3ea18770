"""Calls to log and bus are limited in time and end with their task."""

import asyncio
from contextlib import suppress

import pytest

from rooms.io.timeouts import within
from rooms.log import LogUnavailable
from tests.support.waiting import WAIT_S


async def test_a_call_that_takes_too_long_is_unavailable() -> None:
    async def call() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LogUnavailable):
        await within(0.0, call())


async def test_a_swallowed_cancellation_is_raised() -> None:
    begun = asyncio.Event()

    async def call() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    running = asyncio.create_task(within(WAIT_S, call()))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_task_that_was_cancelled_may_still_call() -> None:
    async def call() -> str:
        await asyncio.sleep(0)
        return "done"

    async def clean_up() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await within(WAIT_S, call())

    running = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    running.cancel()
    assert await running == "done"
