"""The time limit of calls to log and bus."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from rooms.log import LogUnavailable

CALL_TIMEOUT_S = 3.0

T = TypeVar("T")


async def within(seconds: float, call: Coroutine[None, None, T]) -> T:
    """Await `call`; a time-out is `LogUnavailable`, too.

    On Python 3.11 a cancellation that comes together with the result is swallowed by
    `asyncio.wait_for`, with which redis-py sends commands (CPython issue 86296): it is raised here.
    """
    task = asyncio.current_task()
    assert task is not None
    cancelled = task.cancelling()
    try:
        async with asyncio.timeout(seconds):
            result = await call
    except TimeoutError as error:
        raise LogUnavailable("timeout") from error
    if task.cancelling() > cancelled:
        raise asyncio.CancelledError
    return result
