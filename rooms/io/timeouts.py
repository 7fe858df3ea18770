"""The time limit of calls to log and bus."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from rooms.log import LogUnavailable

CALL_TIMEOUT_S = 3.0

T = TypeVar("T")


async def within(seconds: float, call: Coroutine[None, None, T]) -> T:
    """Await `call`; a time-out is `LogUnavailable`, too."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise LogUnavailable("timeout") from error
