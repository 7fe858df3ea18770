"""Everything about our HTTP server holds on both event loops: their transports differ."""

from tests.support.event_loops import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
