"""SQLite without threads, for simulations: every statement runs in the event loop itself.

A statement of aiosqlite is a queue, a thread and two wake-ups; a simulation makes millions of them
one after another, and on a busy machine waits most of the time for threads to be scheduled.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import aiosqlite


class _InlineExecutor(ThreadPoolExecutor):
    """Runs what is submitted at once, by the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


async def _execute(
    self: aiosqlite.Connection, fn: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    return fn(*args, **kwargs)


async def _connect(self: aiosqlite.Connection) -> aiosqlite.Connection:
    if self._connection is None:
        self._connection = self._connector()
    return self


@contextlib.contextmanager
def inline_sqlite() -> Iterator[None]:
    """Within it, the record's SQLite runs in the running loop; all connections begin in it."""
    loop = asyncio.get_running_loop()
    executor = _InlineExecutor(1)
    loop.set_default_executor(executor)
    with (
        patch.object(aiosqlite.Connection, "_execute", _execute),
        patch.object(aiosqlite.Connection, "_connect", _connect),
    ):
        try:
            yield
        finally:
            loop.set_default_executor(ThreadPoolExecutor())
