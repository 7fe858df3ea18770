"""A worker with the room WebSocket for each test, on both event loops: their transports differ."""

from collections.abc import AsyncIterator

import pytest

from rooms.io.hub import RoomHub
from tests.support.event_loops import pytest_asyncio_loop_factories
from tests.support.room_hubs import Server, memory_hub, serving

__all__ = ["pytest_asyncio_loop_factories"]


@pytest.fixture
async def hub() -> AsyncIterator[RoomHub]:
    async with memory_hub() as hub:
        yield hub


@pytest.fixture
async def server(hub: RoomHub) -> AsyncIterator[Server]:
    async with serving(hub, allowed_origins="https://app.example") as server:
        yield server
