"""A client of the business routes for each test."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.shop_routes import shop_routes


@pytest.fixture
async def web(sqlite_url: str, valkey_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """See `shop_routes`."""
    async with shop_routes(sqlite_url, valkey_url) as client:
        yield client
