"""Real workers in a row: who watches two hops away stays when the one in the middle is killed."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from commerce.catalogue.values import LiveState
from loadtest.actors.publish import Programme, publish
from loadtest.clients.whep import Crowd, Whep
from loadtest.errors import LoadError
from server.ops.embedded import EmbeddedValkey
from server.ops.heartbeat import Heartbeats
from server.worker import socket_path
from tests.support.clips import CLIP
from tests.support.figures import Figures
from tests.support.running import Running, running
from tests.support.waiting import WAIT_S, wait_until

pytestmark = pytest.mark.soak
REATTACHED_S_MAX = 2.0
PAUSE_S_MAX = 2.5  # until packets came, as who plays them sees it


class Node:
    """A node of three workers, each of which serves one edge of a live."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self._data_dir = server.folder / "var"

    def socket(self, number: int) -> Path:
        return socket_path(self._data_dir, number)

    def crowd(self, number: int) -> Crowd:
        return Crowd(Whep(self.server.whep, uds=self.socket(number)))

    async def figure(self, name: str, at: int = 0) -> dict[int, float]:
        """Return a figure by worker; the worker `at` is asked."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.socket(at)))
        headers = {"Authorization": "Bearer for the operator"}
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            text = (await client.get("/metrics", headers=headers, timeout=WAIT_S)).text
        return {
            int(sample.labels["worker"]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }

    async def pid(self, number: int) -> int:
        async with Redis.from_url(EmbeddedValkey(self._data_dir).url) as redis:
            rows = await Heartbeats(redis).read()
        return next(row.pid for row in rows if int(row.worker[6:], 16) == number)


async def join(crowd: Crowd) -> None:
    """Join as soon as the worker serves viewers."""

    async def joined() -> bool:
        with contextlib.suppress(LoadError, OSError):
            await crowd.join()
            return True
        return False

    await wait_until(joined, what="a viewer's first packet")


async def test_viewers_two_hops_away_see_on_when_the_worker_in_the_middle_is_killed(
    tmp_path: Path, figures: Figures
) -> None:
    async with running(
        tmp_path,
        LINLI_WORKERS="3",
        LINLI_ICE_PORT="0",
        LINLI_RATE_LIMITS="0",
        LINLI_METRICS_TOKEN="for the operator",
        LINLI_CASCADE="always",
        LINLI_CASCADE_FANOUT="1",
    ) as server:
        node, token = Node(server), await server.host_token()
        host = asyncio.create_task(publish(server.whip, token, Programme(CLIP, copy=True)))
        try:
            await wait_until(lambda: server.is_in(LiveState.LIVE), what="on air")
            await _play(node, figures)
        finally:
            host.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await host


async def _play(node: Node, figures: Figures) -> None:
    async def all_answer() -> bool:
        return len(await node.figure("linli_media_rooms_live")) == 3

    await wait_until(all_answer, what="three workers")
    live = await node.figure("linli_media_rooms_live")
    [origin] = [number for number, rooms in live.items() if rooms]
    middle, last = (number for number in range(3) if number != origin)
    async with node.crowd(middle) as near, node.crowd(last) as far:
        await join(near)
        await join(far)
        await wait_until(lambda: far.totals().packets > 500, what="media two hops away")
        depths = await node.figure("linli_cascade_depth")
        assert (depths[origin], depths[middle], depths[last]) == (0, 1, 2)
        pid, began = await node.pid(middle), far.totals()
        os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()

        async def reattached() -> bool:
            return (await node.figure("linli_cascade_depth", at=last)).get(last) == 1

        await wait_until(reattached, what="another parent", poll_s_max=0.05)
        took_s = time.monotonic() - killed_at
        await wait_until(lambda: far.totals().packets > began.packets + 500, what="media")
        totals = far.totals()
        figures.at_most("another parent after a kill", took_s, REATTACHED_S_MAX, "s")
        figures.at_most("video of its viewers stands", totals.longest_pause_s, PAUSE_S_MAX, "s")
        assert totals.missing == 0, "what was lost meanwhile came from the new parent"
