"""A live has one owner at a time; what viewers are shown of it is true, whatever is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy.exc import OperationalError

from commerce.catalogue.values import Live, LiveState
from media.events import PublisherGone, PublisherLost, PublisherUp
from server.bridge import lives
from server.bridge.lease import (
    LEASE_TTL_S,
    RENEWALS_PER_TTL,
    AfterLoss,
    Lease,
    LeasesUnavailable,
    Orphans,
    after_loss,
)
from tests.support.live_workers import GRACE_S, ROOM, Died, DrivenLives, Record, Redis
from tests.support.waiting import WAIT_S, wait_until

LIVE, PAUSED, OVER = LiveState.LIVE, LiveState.PAUSED, LiveState.OVER


async def pass_time(redis: Redis, seconds: float, *workers: DrivenLives) -> None:
    """Let `workers` do their rounds once a second."""
    until = redis.now + seconds
    while redis.now < until:
        redis.now += 1.0
        for worker in workers:
            with suppress(LeasesUnavailable):
                await worker.rounds()


@pytest.fixture
def redis() -> Redis:
    return Redis(Record(LiveState.SCHEDULED))


async def on_air(redis: Redis) -> DrivenLives:
    """A worker whose host is live."""
    worker = DrivenLives(redis)
    await worker.apply(PublisherUp(ROOM, returned=False))
    return worker


async def test_a_live_goes_through_its_states_on_its_owner(redis: Redis) -> None:
    worker = await on_air(redis)
    await worker.apply(PublisherLost(ROOM))
    await worker.apply(PublisherUp(ROOM, returned=True))
    await worker.apply(PublisherLost(ROOM))
    await worker.apply(PublisherGone(ROOM))
    assert redis.announced == [LIVE, PAUSED, LIVE, PAUSED, OVER]
    assert set(redis.media_times) == {7_000}, "each has the time of the frame it happened with"
    assert await redis.leases.holder(ROOM) is None


async def test_a_worker_that_starts_leaves_the_lives_of_others_alone(redis: Redis) -> None:
    owner = await on_air(redis)
    await pass_time(redis, 3 * GRACE_S, owner, DrivenLives(redis))
    assert redis.announced == [LIVE]
    assert redis.record.now.state is LIVE


async def test_the_live_of_a_killed_owner_is_paused_and_then_over(redis: Redis) -> None:
    await on_air(redis)
    other = DrivenLives(redis)
    await pass_time(redis, LEASE_TTL_S - 1, other)
    assert redis.announced == [LIVE], "the lease still runs"
    await pass_time(redis, LEASE_TTL_S + 2, other)
    assert redis.announced == [LIVE, PAUSED]
    await pass_time(redis, GRACE_S - 3, other)
    assert redis.announced == [LIVE, PAUSED], "the host has time to return"
    await pass_time(redis, 4, other)
    assert redis.announced == [LIVE, PAUSED, OVER]


@pytest.mark.parametrize("step", ["write", "announce", "note"])
async def test_a_worker_that_dies_while_a_live_ends_leaves_no_room_on_air(
    redis: Redis, step: str
) -> None:
    owner, other = await on_air(redis), DrivenLives(redis)
    redis.record.last_step = step
    with pytest.raises(Died):
        await owner.apply(PublisherGone(ROOM))
    assert redis.record.now.state is OVER
    await pass_time(redis, 2 * LEASE_TTL_S + 2, other)
    assert redis.announced[-1] is OVER
    assert redis.record.now.announced
    assert await redis.leases.holder(ROOM) is None
    count = len(redis.announced)
    await pass_time(redis, GRACE_S, other)
    assert len(redis.announced) == count, "once it is noted nobody says it again"


async def test_an_end_that_could_not_be_noted_is_noted_later(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await on_air(redis)

    async def away(live: Live, by: str) -> None:
        raise OperationalError("UPDATE", {}, Exception("the server closed the connection"))

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(redis.record, "note_announced", away)
        await owner.end(ROOM)
    await owner.settle()
    assert redis.announced == [LIVE, OVER]
    assert redis.record.now.announced
    assert await redis.leases.holder(ROOM) is None


async def test_one_of_many_workers_takes_an_orphaned_live_over(redis: Redis) -> None:
    await on_air(redis)
    others = [DrivenLives(redis) for _ in range(5)]
    await pass_time(redis, 2 * LEASE_TTL_S + GRACE_S + 3, *others)
    assert redis.announced == [LIVE, PAUSED, OVER]


async def test_a_host_that_returns_to_another_worker_keeps_its_live(redis: Redis) -> None:
    await on_air(redis)
    started_at_ms = redis.record.now.started_at_ms
    second, third = DrivenLives(redis), DrivenLives(redis)
    await pass_time(redis, 2 * LEASE_TTL_S, second, third)
    assert redis.announced == [LIVE, PAUSED]
    await third.apply(PublisherUp(ROOM, returned=False))
    await pass_time(redis, 2 * GRACE_S, second, third)
    assert redis.announced == [LIVE, PAUSED, LIVE]
    assert redis.record.now.started_at_ms == started_at_ms


async def test_a_host_that_moves_to_another_worker_leaves_the_first_without_it(
    redis: Redis,
) -> None:
    first = await on_air(redis)
    await first.apply(PublisherLost(ROOM))
    second = await on_air(redis)
    await pass_time(redis, LEASE_TTL_S, first, second)
    assert first.media_ended == 1, "its viewers come to the worker that has the host"
    await first.apply(PublisherGone(ROOM))
    assert redis.announced == [LIVE, PAUSED, LIVE]
    assert redis.record.now.state is LIVE


async def test_a_stale_owner_writes_and_announces_nothing(redis: Redis) -> None:
    stale = await on_air(redis)
    owner = await on_air(redis)
    redis.announced.clear()
    await stale.apply(PublisherGone(ROOM))
    assert redis.record.refused == 1
    assert redis.record.now.state is LIVE
    assert redis.announced == []
    await owner.apply(PublisherGone(ROOM))
    assert redis.announced == [OVER]


async def test_an_owner_that_was_paused_takes_its_live_back_within_the_grace_time(
    redis: Redis,
) -> None:
    paused, other = await on_air(redis), DrivenLives(redis)
    await pass_time(redis, 2 * LEASE_TTL_S + 1, other)
    assert redis.announced == [LIVE, PAUSED]
    await pass_time(redis, 2 * GRACE_S, paused, other)
    assert redis.announced == [LIVE, PAUSED, LIVE]
    assert paused.media_ended == 0


async def test_an_owner_that_was_paused_for_too_long_ends_its_host(redis: Redis) -> None:
    paused, other = await on_air(redis), DrivenLives(redis)
    await pass_time(redis, 2 * LEASE_TTL_S + GRACE_S + 3, other)
    assert redis.announced == [LIVE, PAUSED, OVER]
    await pass_time(redis, 3, paused, other)
    assert paused.media_ended == 1
    assert redis.announced == [LIVE, PAUSED, OVER]


async def test_lives_outlast_a_redis_that_is_away(redis: Redis) -> None:
    owner, other = await on_air(redis), DrivenLives(redis)
    redis.away = True
    await pass_time(redis, 3 * GRACE_S, owner, other)
    redis.away = False
    await pass_time(redis, 3 * GRACE_S, other, owner)
    assert set(redis.announced) == {LIVE}
    assert redis.record.now.state is LIVE
    await owner.apply(PublisherGone(ROOM))
    assert redis.announced[-1] is OVER


async def test_lives_outlast_a_redis_that_was_emptied(redis: Redis) -> None:
    owner, other = await on_air(redis), DrivenLives(redis)
    redis.empty()
    await pass_time(redis, 3 * GRACE_S, other, owner)
    assert set(redis.announced) == {LIVE}
    await owner.apply(PublisherGone(ROOM))
    assert redis.announced[-1] is OVER


async def test_an_end_on_another_worker_ends_the_host(redis: Redis) -> None:
    owner, other = await on_air(redis), DrivenLives(redis)
    await other.end(ROOM)
    await pass_time(redis, GRACE_S, owner, other)
    assert redis.announced == [LIVE, OVER]
    assert owner.media_ended == 1


async def test_an_end_that_could_not_be_announced_is_announced_later(redis: Redis) -> None:
    owner = await on_air(redis)

    async def away(room_id: str) -> None:
        redis.away = True

    owner._end_media = away
    with pytest.raises(LeasesUnavailable):
        await owner.end(ROOM)
    assert redis.announced == [LIVE]
    redis.away = False
    await owner.settle()
    assert redis.announced == [LIVE, OVER]


async def test_a_live_is_over_in_the_record_within_10_s_of_its_end(redis: Redis) -> None:
    owner = await on_air(redis)

    async def away(room_id: str) -> None:
        redis.record.away = 2

    owner._end_media = away
    with pytest.raises(OperationalError):
        await owner.end(ROOM)
    assert redis.record.now.state is LIVE
    ended_at, round_s = redis.now, LEASE_TTL_S / RENEWALS_PER_TTL
    while redis.record.now.state is not OVER:
        redis.now += round_s
        with suppress(OperationalError):
            await owner.settle()
        assert redis.now - ended_at <= 10
    assert redis.announced == redis.recorded == [LIVE, OVER], "its summary is there before"


@asynccontextmanager
async def running(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DrivenLives]:
    monkeypatch.setattr(lives, "RETRY_S", 0.01)
    worker = DrivenLives(redis)
    task = asyncio.create_task(worker.run())
    yield worker
    assert not task.done(), "it goes on"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_host_that_comes_while_the_record_is_away_is_announced_later(
    monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    redis.record.away = 5
    async with running(redis, monkeypatch) as worker:
        worker.on_media(PublisherUp(ROOM, returned=False))
        await wait_until(lambda: redis.announced == [LIVE], what="the live")


async def test_a_worker_that_stops_releases_its_leases(
    monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    async with running(redis, monkeypatch) as worker:
        worker.on_media(PublisherUp(ROOM, returned=False))
        await wait_until(lambda: redis.announced == [LIVE], what="the live")
    assert await redis.leases.holder(ROOM) is None


@pytest.mark.parametrize(
    ("holder", "recorded", "flowing", "decision"),
    [
        (None, Live(ROOM, LIVE, 1, fence=5), True, AfterLoss.CLAIM),
        (None, Live(ROOM, PAUSED, 1, fence=4), False, AfterLoss.CLAIM),
        (Lease(ROOM, "b", 6), Live(ROOM, LIVE, 1, fence=5), True, AfterLoss.WAIT),
        (Lease(ROOM, "b", 6), Live(ROOM, LIVE, 1, fence=6), True, AfterLoss.YIELD),
        (Lease(ROOM, "b", 6), Live(ROOM, PAUSED, 1, fence=6), True, AfterLoss.TAKE),
        (None, Live(ROOM, PAUSED, 1, fence=6), True, AfterLoss.TAKE),
        (Lease(ROOM, "b", 6), Live(ROOM, PAUSED, 1, fence=6), False, AfterLoss.YIELD),
        (None, Live(ROOM, OVER, 1, fence=6), True, AfterLoss.YIELD),
    ],
)
def test_after_a_loss_the_record_decides(
    holder: Lease | None, recorded: Live, flowing: bool, decision: AfterLoss
) -> None:
    assert after_loss(Lease(ROOM, "a", 5), holder, recorded, flowing=flowing) is decision


def test_a_live_is_orphaned_after_a_ttl_of_checks_without_a_lease_and_without_a_gap() -> None:
    orphans = Orphans(6.0)
    assert orphans.checked([ROOM], now=10.0) == []
    assert orphans.checked([ROOM], now=13.0) == []
    assert orphans.checked([ROOM], now=16.0) == [ROOM]
    assert orphans.checked([], now=17.0) == []
    assert orphans.checked([ROOM], now=18.0) == []
    assert orphans.checked([ROOM], now=30.0) == [], "a gap: nobody could renew meanwhile"
    assert orphans.checked([ROOM], now=36.0) == [ROOM]


async def test_a_worker_ends_although_a_library_swallowed_its_cancellation(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, begun = DrivenLives(redis), asyncio.Event()

    async def swallow(_event: object) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(worker, "apply", swallow)
    running = asyncio.create_task(worker.run())
    worker.on_media(PublisherLost(ROOM))
    await begun.wait()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=WAIT_S)
    assert done and running.cancelled()


async def test_a_rehearsal_is_leased_and_neither_written_nor_announced(redis: Redis) -> None:
    redis.record.rehearsal = True
    worker = await on_air(redis)
    await pass_time(redis, 2 * LEASE_TTL_S, worker, DrivenLives(redis))
    await worker.apply(PublisherLost(ROOM))
    await worker.apply(PublisherUp(ROOM, returned=True))
    assert redis.announced == []
    assert redis.record.now.state is LiveState.SCHEDULED
    assert worker.on_air() == {}
    assert await redis.leases.holder(ROOM) is not None
    await worker.end(ROOM)
    assert (redis.announced, worker.media_ended) == ([], 1)
    assert await redis.leases.holder(ROOM) is None


async def test_a_rehearsal_that_its_host_ends_is_on_air(redis: Redis) -> None:
    redis.record.rehearsal = True
    worker = await on_air(redis)
    await worker.end_rehearsal(ROOM, redis.record.open_room)
    assert redis.announced == [LIVE]
    assert redis.record.now.state is LIVE
    assert set(worker.on_air()) == {ROOM}
    await worker.end_rehearsal(ROOM, redis.record.open_room)
    assert (redis.announced, worker.privacy) == ([LIVE], [True, False])


async def test_a_room_whose_rehearsal_cannot_be_ended_stays_private(redis: Redis) -> None:
    redis.record.rehearsal = True
    worker = await on_air(redis)
    redis.record.away = 1
    with pytest.raises(OperationalError):
        await worker.end_rehearsal(ROOM, redis.record.open_room)
    assert (redis.announced, worker.privacy) == ([], [True, False, True])


async def test_a_rehearsal_that_ends_by_itself_never_goes_on_air(redis: Redis) -> None:
    redis.record.rehearsal = True
    worker = await on_air(redis)
    redis.record.rehearsal = False
    await pass_time(redis, LEASE_TTL_S, worker)
    assert (redis.announced, worker.media_ended) == ([], 1)
    assert await redis.leases.holder(ROOM) is None


async def test_a_rehearsal_that_moves_to_another_worker_leaves_the_first(redis: Redis) -> None:
    redis.record.rehearsal = True
    first = await on_air(redis)
    second = await on_air(redis)
    await pass_time(redis, LEASE_TTL_S, first, second)
    assert (first.media_ended, second.media_ended) == (1, 0)
    assert redis.announced == []
