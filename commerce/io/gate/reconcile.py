"""Keeps the gate honest while it runs: holds without an entry return, drift is found and repaired.

A row of the gate is compared with the record only when both have counted the same moves of it, so
an order on its way is never mistaken for drift. A row that stays behind for long means that Redis
lost something; then the gate is rebuilt.
"""

import asyncio
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.io.gate.rebuild import Rebuild, read_stock
from commerce.io.gate.redis_gate import Comparison, RedisGate
from commerce.io.record.engine import Clock, Record
from commerce.io.record.shutdown import stopping

EVERY_S = 1.0
COMPARE_EVERY = 5  # steps
BEHIND_MAX = 6  # comparisons in a row that may find rows behind before the gate is rebuilt

log = structlog.get_logger()


@dataclass(slots=True)
class ReconcileCounts:
    """What was found since the start."""

    holds_returned: int = 0
    drift_units: int = 0
    rows_repaired: int = 0
    rebuilds: int = 0


class Reconcile:
    """Sweeps, compares and rebuilds."""

    def __init__(self, record: Record, gate: RedisGate, rebuild: Rebuild, clock: Clock) -> None:
        self._record = record
        self._gate = gate
        self._rebuild = rebuild
        self._clock = clock
        self._wake = asyncio.Event()
        self._behind = 0
        self.last: Comparison | None = None
        self.counts = ReconcileCounts()

    def closed(self) -> None:
        """A tap found the gate closed: reconcile at once."""
        self._wake.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        steps = 0
        while not stopping():
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.step(compare=steps % COMPARE_EVERY == 0)
            except (RedisError, DBAPIError, OSError) as error:
                log.warning("reconciliation unavailable", error=type(error).__name__)
            steps += 1

    async def step(self, *, compare: bool = True) -> None:
        """Open the gate if it is closed, sweep holds, and compare if asked to."""
        await self._rebuild.ensure()
        returned = await self._gate.sweep(self._clock())
        if returned:
            self.counts.holds_returned += returned
            log.warning("holds returned", holds=returned)
        if compare:
            await self.compare()

    async def compare(self) -> Comparison:
        """Compare every row of the gate with the record."""
        async with self._record.read() as connection:
            rows = await read_stock(connection, self._clock())
        found = self.last = await self._gate.compare(rows)
        if found.repaired:
            self.counts.drift_units += found.drift
            self.counts.rows_repaired += found.repaired
            log.warning("drift repaired", rows=found.repaired, units=found.drift)
        self._behind = self._behind + 1 if found.behind else 0
        if self._behind >= BEHIND_MAX:
            self._behind = 0
            self.counts.rebuilds += 1
            log.warning("the gate stays behind the record", rows=found.behind)
            await self._rebuild.force()
        return found
