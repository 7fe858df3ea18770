"""The demo's first group is filled by real orders, once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.actors.buyer import join_room
from loadtest.actors.first_orders import UNGROUPED_PRODUCTS, fill_first_group
from server.access.policy import Role
from tests.support.running import Running, running
from tests.support.waiting import WAIT_S

SHOP = Path(__file__).parents[3] / "server" / "demo.toml"


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A started server with the demo's shop, spinach pinned."""
    async with running(tmp_path, SHOP) as server:
        token = await server.host_token()
        async with server.client(token) as client:
            pin = await client.put("/api/rooms/demo/pins/spinach", json={})
            assert pin.status_code == 200
        yield server


@pytest.mark.soak
async def test_the_first_group_is_filled_once_however_often_the_demo_starts(
    linli: Running,
) -> None:
    for _ in range(2):
        await fill_first_group(linli.url, "demo", 6)
        await _shown(linli.url, [3, 3, 6])
    token = linli.token(Role.STORE, store_id="s1")
    async with linli.client(token) as client:
        board = (await client.get("/api/stores/s1/orders")).json()
    assert len(board["orders"]) == len(UNGROUPED_PRODUCTS)
    [waiting] = board["waiting"]
    assert waiting["group"]["joined"] == 6


async def _shown(url: str, joined: list[int]) -> None:
    """Wait until a snapshot shows the groups; it follows the commit a moment later."""
    async with asyncio.timeout(WAIT_S):
        while True:
            async with join_room(url, "demo", None) as socket:
                snapshot = await anext(aiter(socket.messages()))
                while snapshot["t"] != "snapshot":
                    snapshot = await anext(aiter(socket.messages()))
            if sorted(group["joined"] for group in snapshot["state"]["groups"]) == joined:
                return
            await asyncio.sleep(0.05)
