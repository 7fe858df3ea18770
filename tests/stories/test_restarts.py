"""A server that dies while a room is live: host and viewers come back without a tap."""

import os
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import expect

from server.ops.insight_process import NICENESS
from tests.support.browsers import People, goes_live, more_frames
from tests.support.media_peers import host, loopback_candidates
from tests.support.running import SDP, Running, running
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server of these stories, which may kill it."""
    folder = tmp_path_factory.mktemp("restarts")
    async with running(folder, LINLI_INSIGHT_PROCESS="own") as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def linli(server: Running) -> Running:
    """It, running."""
    assert server.process
    if server.process.returncode is not None:
        await server.start()
    return server


@pytest.mark.soak
async def test_a_killed_server_gets_host_and_viewer_back(people: People, linli: Running) -> None:
    stage, viewer = await goes_live(people), await people.open(people.room_path)
    await more_frames(viewer)
    await linli.kill()
    state = stage.get_by_test_id("live-state")
    await expect(state).to_have_attribute("data-state", "lost")
    await linli.start()
    await expect(state).to_have_attribute("data-state", "live")
    player = viewer.get_by_test_id("room")
    await expect(player).to_have_attribute("data-player", "playing")
    await more_frames(viewer)


async def test_a_player_gets_events_of_the_live_until_the_server_stops(linli: Running) -> None:
    token = await linli.host_token()
    async with (
        host(partial(linli.publish, token=token)),
        linli.client() as client,
    ):
        await wait_until(lambda: linli.is_in("live"), what="the live")
        offer = OFFER.replace("sendonly", "recvonly")
        session = await client.post(linli.whep, content=offer, headers=SDP)
        names = ["active", "viewercount", "reconnect"]
        chosen = await client.post(f"{session.headers['Location']}/events", json=names)
        received: list[str] = []
        async with client.stream("GET", chosen.headers["Location"]) as events:
            assert events.headers["Content-Type"].startswith("text/event-stream")
            async for line in events.aiter_lines():
                received.append(line)
                if line == 'data: {"viewercount": 1}':
                    assert linli.process
                    linli.process.terminate()
    assert "event: active" in received
    assert received[-3:-1] == ["event: reconnect", 'data: {"reconnecttime": 1000}']
    await linli.stop()


async def test_a_server_has_nothing_of_the_lake_in_its_memory_and_a_nice_process_for_it(
    linli: Running,
) -> None:
    assert linli.process is not None
    await wait_until(lambda: linli.insight_pid, what="the process of the role insight")
    own, child = linli.process.pid, linli.insight_pid
    assert child is not None
    niceness = os.getpriority(os.PRIO_PROCESS, own)

    def yields() -> bool:
        return os.getpriority(os.PRIO_PROCESS, child) == min(19, niceness + NICENESS)

    await wait_until(yields, what="its low priority")
    assert "deltalake" not in linli.libraries
