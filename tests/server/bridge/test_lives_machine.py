"""Whatever happens to hosts, workers and Redis: once it is quiet, the state is the host's."""

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.values import LiveState
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from server.bridge.lease import LeasesUnavailable
from tests.support.fuzz_examples import examples
from tests.support.live_workers import GRACE_S, ROOM, Died, DrivenLives, Record, Redis

WORKERS = 3
STEPS = ("write", "announce", "note")
QUIET_S = 4 * GRACE_S

worker_numbers = st.integers(0, WORKERS - 1)
steps = st.one_of(
    st.tuples(st.just("publish"), worker_numbers),
    st.tuples(st.just("stop"), st.just(0)),
    st.tuples(st.just("kill"), worker_numbers),
    st.tuples(st.just("die after"), st.integers(0, len(STEPS) - 1)),
    st.tuples(st.just("suspend"), worker_numbers),
    st.tuples(st.just("resume"), worker_numbers),
    st.tuples(st.just("end"), worker_numbers),
    st.tuples(st.just("redis away"), st.just(0)),
    st.tuples(st.just("redis back"), st.just(0)),
    st.tuples(st.just("redis emptied"), st.just(0)),
    st.tuples(st.just("pass"), st.integers(1, 45)),
)


class Worker:
    """A worker with its media plane: whether the host's media comes, and since when not."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self.lives = DrivenLives(cluster.redis, self._end_media)
        self.suspended = False
        self.lost_at: float | None = None
        self.has_live = False
        self._events: list[MediaEvent] = []

    def start_media(self) -> None:
        self._events.append(PublisherUp(ROOM, returned=self.has_live))
        self.has_live, self.lost_at = True, None

    def lose_media(self) -> None:
        self._events.append(PublisherLost(ROOM))
        self.lost_at = self._cluster.redis.now

    async def _end_media(self, room_id: str) -> None:
        if self._cluster.host is self:
            self._cluster.host = None
        if self.has_live:
            self.has_live = False
            self._events.append(PublisherGone(ROOM))

    async def tick(self) -> None:
        if self.suspended:
            return
        if self.has_live and self.lost_at is not None:
            if self._cluster.redis.now - self.lost_at >= GRACE_S:
                await self._end_media(ROOM)
        with suppress(LeasesUnavailable):
            while self._events:
                await self.lives.apply(self._events[0])
                del self._events[0]
        with suppress(LeasesUnavailable):
            await self.lives.rounds()


class Cluster:
    """Workers on one record and one Redis, and one host that publishes to one of them."""

    def __init__(self) -> None:
        self.redis = Redis(Record(LiveState.SCHEDULED))
        self.host: Worker | None = None
        self.workers = [Worker(self) for _ in range(WORKERS)]

    async def do(self, step: str, number: int) -> None:
        worker = self.workers[number % WORKERS]
        match step:
            case "publish":
                self._host_leaves()
                self.host = worker
                worker.start_media()
            case "stop":
                self._host_leaves()
            case "kill":
                self._bury(worker)
            case "die after":
                self.redis.record.last_step = STEPS[number]
            case "suspend" | "resume":
                worker.suspended = step == "suspend"
            case "end":
                if not worker.suspended:
                    try:
                        with suppress(LeasesUnavailable):
                            await worker.lives.end(ROOM)
                    except Died:
                        self._bury(worker)
            case "redis away" | "redis back":
                self.redis.away = step == "redis away"
            case "redis emptied":
                self.redis.empty()
            case "pass":
                await self.pass_time(number)
        await self.pass_time(1)

    def _host_leaves(self) -> None:
        if self.host is not None:
            self.host.lose_media()
            self.host = None

    async def pass_time(self, seconds: float) -> None:
        until = self.redis.now + seconds
        while self.redis.now < until:
            self.redis.now += 1.0
            for worker in list(self.workers):
                try:
                    await worker.tick()
                except Died:
                    self._bury(worker)

    def _bury(self, worker: Worker) -> None:
        if self.host is worker:
            self.host = None
        self.workers[self.workers.index(worker)] = Worker(self)


@examples(150)
@given(st.lists(steps, max_size=20))
def test_when_it_is_quiet_the_live_is_on_air_if_its_host_is(
    happened: list[tuple[str, int]],
) -> None:
    asyncio.run(_run(happened))


async def _run(happened: list[tuple[str, int]]) -> None:
    cluster = Cluster()
    for step, number in happened:
        await cluster.do(step, number)
    cluster.redis.away = False
    for worker in cluster.workers:
        worker.suspended = False
    await cluster.pass_time(QUIET_S)
    state, announced = cluster.redis.record.now.state, cluster.redis.announced
    if cluster.host is not None:
        assert state is LiveState.LIVE
    else:
        assert state in (LiveState.OVER, LiveState.SCHEDULED)
    if announced:
        assert announced[-1] is state
