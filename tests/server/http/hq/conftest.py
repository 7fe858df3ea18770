"""A client of the head office's routes, and its log-ins, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.head_office import HeadOffice, head_office


@pytest.fixture
async def hq(sqlite_url: str, valkey_url: str) -> AsyncIterator[HeadOffice]:
    """See `head_office`."""
    async with head_office(sqlite_url, valkey_url) as client:
        yield client
