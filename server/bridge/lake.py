"""Fills the lake: one worker of all writes, in a thread at low priority, so that no live is slower.

The worker that has the lease reads each source from where the lake is, and commits at most every
`COMMIT_EVERY_S`. What the lake has is its own position, so nothing is kept here.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import stopping
from commerce.io.shop.facts import FactLog
from commerce.io.shop.lake_erasures import LakeErasures
from insight.errors import LakeConflict
from insight.facts import Fact
from insight.io.lake import RETENTION_HOURS, Lake
from insight.io.writer import FACTS_MAX, LakeWriter
from server.bridge.facts import RECORD, FactSource, FactSpool
from server.bridge.lease import Lease, LeasesUnavailable
from server.bridge.redis_lease import RedisLeases

COMMIT_EVERY_S = 2.0
GOLD_EVERY_S = 30.0
NICENESS = 10
RETRY_S = 1.0
RETRY_S_MAX = 60.0
KEEP_MS = 2 * 86_400 * 1_000  # how long the record keeps facts that the lake has
PRUNE_EVERY_S = 60.0
ERASE_EVERY_S = 600.0
# Files of versions that still have somebody are older than the retention then.
VACUUM_AFTER_MS = (RETENTION_HOURS + 1) * 3_600 * 1_000
NAME = "lake"

log = structlog.get_logger()

T = TypeVar("T")


class LakeKeeper:
    """`run` until cancelled; several may run, one of them writes."""

    def __init__(
        self,
        lake: Lake,
        sources: Sequence[FactSource],
        leases: RedisLeases,
        facts: FactLog,
        erasures: LakeErasures,
        *,
        owner: str,
    ) -> None:
        self._lake = lake
        self._writer = LakeWriter(lake)
        self._sources = sources
        self._leases = leases
        self._facts = facts
        self._erasures = erasures
        self._owner = owner
        self._gold_at = self._pruned_at = 0.0
        self._erased_at = -ERASE_EVERY_S
        self._at: dict[str, int] = {}  # what the lake has of each source
        # One thread, so that the tables are used by one caller at a time.
        self._thread = ThreadPoolExecutor(1, "lake", initializer=_yield_to_lives)

    async def run(self) -> None:
        """Write while the lease is ours; wait for it otherwise."""
        wait_s = RETRY_S
        try:
            while not stopping():
                try:
                    lease = await self._leases.claim(NAME, self._owner, above=0)
                    if lease is not None:
                        await self._write_under(lease)
                    wait_s = RETRY_S
                except LakeConflict:
                    log.info("another worker writes the lake")
                except (LeasesUnavailable, RedisError, DBAPIError, OSError) as error:
                    log.warning("the lake waits", error=type(error).__name__)
                    wait_s = min(2 * wait_s, RETRY_S_MAX)
                except Exception as error:
                    # The store may fail in any way (disk full, bucket away); facts stay in the
                    # record until it is back.
                    log.warning("the lake cannot be written", error=repr(error)[:200])
                    wait_s = min(2 * wait_s, RETRY_S_MAX)
                await asyncio.sleep(wait_s)
        finally:
            self._thread.shutdown(wait=True)

    async def _write_under(self, lease: Lease) -> None:
        self._at.clear()
        try:
            while not stopping() and await self._leases.renew(lease):
                began = time.monotonic()
                if not await self.step():
                    await asyncio.sleep(max(0.0, COMMIT_EVERY_S - (time.monotonic() - began)))
        finally:
            with contextlib.suppress(LeasesUnavailable):
                await self._leases.release(lease)

    async def step(self) -> bool:
        """Write what there is, a batch of each source; return whether there may be more."""
        more = False
        for source in self._sources:
            facts = await self._next(source)
            if facts:
                await self._in_thread(partial(self._write, facts))
                self._at[source.name] = facts[-1].sequence
                more |= len(facts) >= FACTS_MAX
        now = time.monotonic()
        if self._at and not more and now - self._gold_at >= GOLD_EVERY_S:
            self._gold_at = now
            await self._in_thread(self._writer.refresh)
        if now - self._pruned_at >= PRUNE_EVERY_S:
            self._pruned_at = now
            await self._prune()
        if now - self._erased_at >= ERASE_EVERY_S:
            self._erased_at = now
            await self.erase()
        return more

    async def erase(self) -> None:
        """Take those out of the lake who were erased since, and vacuum what still had them."""
        pending = await self._erasures.pending()
        if pending:
            tables = await self._in_thread(partial(self._lake.erase, pending))
            log.info("the lake has forgotten people", people=len(pending), tables=len(tables))
            await self._erasures.rewritten(pending)
        before_ms = wall_clock() - VACUUM_AFTER_MS
        if await self._erasures.to_vacuum(before_ms):
            await self._in_thread(self._lake.vacuum)
            await self._erasures.vacuumed(before_ms)

    async def _next(self, source: FactSource) -> list[Fact]:
        if source.name not in self._at:
            # Before the first fact there is nothing to load a library for.
            if not await source.read(0, 1):
                return []
            position = await self._in_thread(partial(self._writer.position, source.name))
            self._at[source.name] = position
        return await source.read(self._at[source.name], FACTS_MAX)

    def _write(self, facts: Sequence[Fact]) -> None:
        self._writer.write(facts)
        self._writer.tidy()

    async def _prune(self) -> None:
        for source in self._sources:
            up_to = self._at.get(source.name, 0)
            if source.name == RECORD:
                await self._facts.prune(up_to, wall_clock() - KEEP_MS)
            elif isinstance(source, FactSpool) and up_to:
                await source.trim(up_to)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _yield_to_lives() -> None:
    """Give this thread, and those that the lake's library starts in it, a lower priority."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
