"""More workers than one serves: edges receive a live from edges, and find others when these go."""

import asyncio
from collections.abc import Callable

import pytest

from loadtest.clients.whep import Crowd
from media.cascade.tree import Capacity
from media.io.cascade import edges, links
from media.io.cascade.directory import HopRow
from media.wire import hop
from tests.support.cascade_workers import Worker, Workers, crowd, loopback_candidates, workers
from tests.support.relay_app import ROOM
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates", "workers"]


async def chain(workers: Workers, count: int) -> list[Worker]:
    """An origin and so many edges, each of which may serve one more."""
    workers.fanout = 1
    return [await workers.open() for _ in range(count + 1)]


def depths(opened: list[Worker]) -> list[int]:
    return [worker.cascade.stats().depth for worker in opened]


def served(opened: list[Worker]) -> list[int]:
    return [worker.cascade.stats().subscriptions for worker in opened]


def grows(viewers: Crowd, by: int) -> Callable[[], bool]:
    """Whether the viewers got so many more packets than now."""
    before = viewers.totals().packets
    return lambda: viewers.totals().packets > before + by


def kill(worker: Worker) -> None:
    """From now on its hop answers nothing, as if the process were gone; its row stays."""
    worker.cascade._loop.remove_reader(worker.cascade._sock)
    assert worker.cascade._timer is not None
    worker.cascade._timer.cancel()


async def test_each_edge_serves_one_and_all_viewers_get_every_packet(workers: Workers) -> None:
    opened = await chain(workers, 3)
    origin, first, second, third = opened
    async with workers.live(origin), crowd(first) as near, crowd(third) as far:
        await near.join()
        await second.cascade.edges.watch(ROOM)
        await far.join()
        await asyncio.gather(wait_until(grows(near, 100)), wait_until(grows(far, 100)))
        assert depths(opened) == [0, 1, 2, 3] and served(opened) == [1, 1, 1, 0]
        assert near.totals().missing == far.totals().missing == 0
        assert sum(worker.cascade.stats().rejected for worker in opened) == 0
    assert [worker.events for worker in opened[1:]] == [[], [], []]


async def test_viewers_stay_when_the_parent_of_their_edge_dies(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "NAMED_SILENT_S", 0.2)
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin), crowd(first) as near, crowd(second) as far:
        await near.join()
        await far.join()
        await wait_until(grows(far, 50))
        assert depths(opened) == [0, 1, 2]
        source = second.plane.lives.by_room[ROOM].source
        kill(first)
        await wait_until(lambda: second.cascade.stats().depth == 1)
        await wait_until(grows(far, 50))
        assert second.plane.viewers(ROOM) == 1
        assert second.plane.lives.by_room[ROOM].source is source, "the live has no seam"
        assert far.totals().missing == 0


async def test_whoever_hangs_at_a_dead_parent_has_another_within_two_seconds() -> None:
    looked_for_s = edges.NAMED_SILENT_S + edges.SEEK_INTERVAL_S
    assert looked_for_s + links.NAMED_CONNECT_S < 2.0, "even if the next one is dead, too"


async def test_edges_of_a_worker_that_drains_go_to_another_one(workers: Workers) -> None:
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin), crowd(first) as near, crowd(second) as far:
        await near.join()
        await far.join()
        await wait_until(grows(far, 50))
        first.capacity = Capacity(accepts=False, drains=True)
        await wait_until(lambda: depths(opened) == [0, 1, 1])
        await asyncio.gather(wait_until(grows(far, 50)), wait_until(grows(near, 50)))
        assert second.plane.viewers(ROOM) == 1 and served(opened)[1] == 0
        assert near.totals().missing == far.totals().missing == 0


async def test_an_edge_without_viewers_stays_for_the_edges_below_it(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "WITHOUT_VIEWERS_S", 0.1)
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin), crowd(second) as far:
        async with crowd(first) as near:
            await near.join()
            await far.join()
            await wait_until(grows(far, 50))
            await near.leave_all()
        await wait_until(lambda: first.plane.viewers(ROOM) == 0)
        await wait_until(grows(far, 100))
        assert depths(opened) == [0, 1, 2] and far.totals().missing == 0
        await far.leave_all()
        await wait_until(lambda: depths(opened) == [0, 0, 0])
        await wait_until(lambda: served(opened) == [0, 0, 0])


async def test_the_end_of_the_live_is_the_end_at_the_lowest_edge(workers: Workers) -> None:
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin) as source, crowd(first) as near, crowd(second) as far:
        await near.join()
        await far.join()
        await wait_until(grows(far, 10))
        source.cancel()
        await origin.plane.end(ROOM)
        workers.origin = ""
        await wait_until(lambda: second.plane.stats().sessions_play == 0)
        await wait_until(lambda: depths(opened) == [0, 0, 0])


async def test_viewers_two_hops_away_stay_when_the_host_comes_to_their_edges_parent(
    workers: Workers,
) -> None:
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with crowd(second) as far:
        async with workers.live(origin), crowd(first) as near:
            await near.join()
            await far.join()
            await wait_until(grows(far, 10))
            async with workers.live(first):
                await origin.plane.yield_to_other_worker(ROOM)
                await wait_until(grows(far, 100))
                assert second.plane.viewers(ROOM) == 1
                assert second.cascade.stats().depth == 1
                assert far.totals().missing == 0


async def test_a_worker_from_before_the_tree_is_served_by_the_origin(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin), crowd(first) as near, crowd(second) as old:
        await near.join()
        written = hop.write
        monkeypatch.setattr(  # it says nothing that its version does not know
            hop, "write", lambda said: b"?" if isinstance(said, hop.Join) else written(said)
        )
        await old.join()
        await wait_until(grows(old, 50))
        assert served(opened) == [2, 0, 0] and old.totals().missing == 0


async def test_a_worker_that_was_named_and_is_gone_is_passed_over(workers: Workers) -> None:
    opened = await chain(workers, 2)
    origin, first, second = opened
    async with workers.live(origin), crowd(first) as near, crowd(second) as far:
        await near.join()
        await wait_until(grows(near, 10))
        row = workers.directory.rows["aaaaaa01"]
        workers.directory.rows["aaaaaa01"] = HopRow(row.worker, row.host, 9, row.secret)
        await far.join()
        await wait_until(grows(far, 10))
        assert served(opened) == [2, 0, 0]
