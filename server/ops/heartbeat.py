"""What every worker writes about itself into Redis: one row each, gone soon after its worker.

`Heartbeats` is the shelf in Redis, `Heart` writes this worker's row. Times are Redis' own, so that
a node whose clock is wrong is seen like any other.
"""

import asyncio
import importlib.metadata
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisError

from commerce.io.record.migrate import newest_schema
from commerce.io.record.shutdown import stopping
from server.ops.timers import wait_ends_at
from server.services import Services

BEAT_S = 3.0
ROW_TTL_S = 10
DRAIN_TTL_S = 60
LAG_STEP_S = 0.5
"""How often the loop's lag is measured."""
LIVES_MAX = 200
"""Lives of one row; the largest are kept."""
_TAG = "{linli}"
WORKERS_KEY = f"{_TAG}:workers"
"""Worker ids, scored by the time in milliseconds when their row ends."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beat:
    """One worker as it was at most `ROW_TTL_S` ago."""

    node: str
    worker: str
    version: str
    pid: int
    port: int
    up_s: int
    cpu: float  # part of a core
    lag_ms: float  # longest that the event loop was late since the last row
    viewers: int  # WHEP sessions
    sockets: int
    lives: dict[str, int]  # WHEP viewers by room on the air
    draining: bool = False
    url: str = ""  # where other nodes reach this worker's node
    full: bool = False  # takes no viewers
    edges: int = 0  # lives of other workers that it has viewers of

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


_TIME = "return redis.call('TIME')"


class Heartbeats:
    """The rows in Redis. All keys have a time to live and share one hash tag."""

    def __init__(self, redis: Redis | RedisCluster) -> None:
        self._redis = redis
        self._in_cluster = isinstance(redis, RedisCluster)
        self._ahead_ms: int | None = None  # of our own clock, as of the last row

    async def write(self, beat: Beat) -> bool:
        """Write a worker's row, which lasts `ROW_TTL_S`; return whether the worker is to drain.

        Raises:
            RedisError: It was not written.
        """
        ahead_ms = self._ahead_ms
        if ahead_ms is None:
            ahead_ms = await self._now_ms() - _own_ms()
        now_ms = _own_ms() + ahead_ms
        async with self._redis.pipeline(transaction=False) as pipe:
            if self._in_cluster:  # whose pipelines take only what names a key
                pipe.eval(_TIME, 1, WORKERS_KEY)
            else:
                pipe.time()
            pipe.set(_key(beat.worker), json.dumps(beat.as_dict()), ex=ROW_TTL_S)
            pipe.zadd(WORKERS_KEY, {beat.worker: now_ms + ROW_TTL_S * 1_000})
            pipe.zremrangebyscore(WORKERS_KEY, "-inf", now_ms)
            pipe.expire(WORKERS_KEY, ROW_TTL_S)
            pipe.exists(_drain_key(beat.worker))
            time_of_redis, *_, wanted = await pipe.execute()
        self._ahead_ms = _ms(time_of_redis) - _own_ms()
        return bool(wanted)

    async def request_drain(self, worker: str) -> None:
        """Have a worker drain and end, as soon as it writes its next row.

        Raises:
            RedisError: It is not known whether it will.
        """
        await self._redis.set(_drain_key(worker), 1, ex=DRAIN_TTL_S)

    async def remove(self, worker: str) -> None:
        """A worker has stopped in order.

        Raises:
            RedisError: Its row stays until it expires.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(_key(worker))
            pipe.zrem(WORKERS_KEY, worker)
            # Its supervisor starts another one of the same id, which is not to drain.
            pipe.delete(_drain_key(worker))
            await pipe.execute()

    async def read(self) -> list[Beat]:
        """Return all workers, by node and worker; rows that another version wrote as far as known.

        Raises:
            RedisError: They cannot be read.
        """
        now_ms = await self._now_ms()
        workers: list[Any] = await self._redis.zrangebyscore(WORKERS_KEY, now_ms, "+inf")
        rows = await self._redis.mget([_key(worker.decode()) for worker in workers] or [_key("")])
        beats = [_beat(json.loads(row)) for row in rows if row]
        return sorted(beats, key=lambda beat: (beat.node, beat.port, beat.worker))

    async def find(self, worker: str) -> Beat | None:
        """Return one worker's row; None: it is not there.

        Raises:
            RedisError: It cannot be read.
        """
        row = await self._redis.get(_key(worker))
        return _beat(json.loads(row)) if row else None

    async def _now_ms(self) -> int:
        return _ms(await self._redis.time())


class Heart:
    """Writes this worker's row while it runs; Redis away only makes it silent."""

    def __init__(self, services: Services, on_drain: Callable[[], None], url: str = "") -> None:
        """`on_drain` is called when this worker is to drain, perhaps more than once.

        At `url` other nodes reach this one.
        """
        self._services = services
        self._on_drain = on_drain
        self._beats = Heartbeats(services.redis)
        self._lag_s = 0.0
        self._began_s = time.monotonic()
        self._last = (time.monotonic(), time.process_time())
        self._identity = Beat(
            node=socket.gethostname(),
            worker=services.worker.id,
            version=this_version(),
            pid=os.getpid(),
            port=services.settings.port,
            up_s=0,
            cpu=0.0,
            lag_ms=0.0,
            viewers=0,
            sockets=0,
            lives={},
            url=url,
        )

    async def run(self) -> None:
        """Beat until cancelled, then take the row away."""
        try:
            while not stopping():
                try:
                    if await self._beats.write(self.beat()) and not self._services.media.draining:
                        self._on_drain()
                except (RedisError, OSError) as error:
                    log.debug("no heartbeat was written", error=type(error).__name__)
                await self._wait()
        finally:
            await self._remove()

    def beat(self) -> Beat:
        """Return this worker's row, and measure anew from here."""
        media = self._services.media
        now_s, busy_s = time.monotonic(), time.process_time()
        then_s, before_s = self._last
        self._last = now_s, busy_s
        lag_s, self._lag_s = self._lag_s, 0.0
        lives = [
            (live.room_id, media.viewers(live.room_id))
            for live in media.roads.lives()
            if live.on_air
        ]
        lives.sort(key=lambda item: -item[1])
        return replace(
            self._identity,
            up_s=int(now_s - self._began_s),
            cpu=round((busy_s - before_s) / max(now_s - then_s, 1e-3), 3),
            lag_ms=round(lag_s * 1_000, 1),
            viewers=sum(viewers for _, viewers in lives),
            sockets=self._services.rooms.counts.connections,
            lives=dict(lives[:LIVES_MAX]),
            draining=media.draining,
            full=not media.accepts_viewers,
            edges=self._services.cascade.edges.count if self._services.cascade else 0,
        )

    async def _wait(self) -> None:
        until_s = time.monotonic() + BEAT_S
        while (began_s := time.monotonic()) < until_s and not stopping():
            due_s = wait_ends_at(began_s + LAG_STEP_S)
            await asyncio.sleep(LAG_STEP_S)
            self._lag_s = max(self._lag_s, time.monotonic() - due_s)

    async def _remove(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._beats.remove(self._identity.worker)
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("the heartbeat stays until it expires", error=type(error).__name__)


def this_version() -> str:
    """Return the version of this program and the newest schema that it knows."""
    return f"{importlib.metadata.version('linli')} (schema {newest_schema()})"


def _own_ms() -> int:
    """A clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


def _ms(time_of_redis: tuple[int, int]) -> int:
    seconds, microseconds = time_of_redis
    return int(seconds) * 1_000 + int(microseconds) // 1_000


def _key(worker: str) -> str:
    return f"{_TAG}:worker:{worker}"


def _drain_key(worker: str) -> str:
    return f"{_TAG}:drain:{worker}"


def _beat(row: dict[str, Any]) -> Beat:
    """Read a row; what a newer version added is left out."""
    return Beat(**{name: row[name] for name in Beat.__dataclass_fields__ if name in row})
