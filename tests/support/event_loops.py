"""For what depends on transports: each test runs on asyncio's event loop and on production's."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A hook for the conftest of such tests."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
