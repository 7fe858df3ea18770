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

from commerce.io.gate.gates import Comparison, Gates, Turns, sum_up
from commerce.io.gate.rebuild import Rebuild
from commerce.io.gate.redis_gate import RedisGate, StockRow
from commerce.io.gate.snapshot import read_stock
from commerce.io.record.engine import Clock, Record
from commerce.io.record.shutdown import stopping

EVERY_S = 1.0
COMPARE_EVERY = 5  # steps
BEHIND_MAX = 6  # comparisons in a row that may find rows behind before the gate is rebuilt
# Of a record that does not change, rows are read again after so long, since slots and quotas end.
# That is fewer comparisons than BEHIND_MAX.
ROWS_KEPT_MS = 20_000

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

    def __init__(self, record: Record, gates: Gates, rebuild: Rebuild, clock: Clock) -> None:
        self._record = record
        self._gates = gates
        self._turns = Turns()
        self._closed: set[str] = set()
        self._rebuild = rebuild
        self._clock = clock
        self._wake = asyncio.Event()
        self._behind: dict[str, int] = {}
        self._reread = record.reread()
        self._rows: list[StockRow] = []
        self._rows_until_ms = 0
        self.last: Comparison | None = None
        self.counts = ReconcileCounts()

    def closed(self, gate: RedisGate) -> None:
        """A tap found a gate closed: reconcile at once."""
        self._closed.add(gate.keys.gate)
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
        """Open closed gates, sweep holds, and compare if asked to."""
        for gate in self._gates.gone():
            await self._rebuild.drop(gate)
            self._gates.forget(gate)
        due = self._turns.next(self._gates.all())
        closed, self._closed = self._closed, set()
        await self._rebuild.ensure([*due, *map(self._gates.named, closed)])
        returned = await self._gates.sweep(self._clock(), due)
        if returned:
            self.counts.holds_returned += returned
            log.warning("holds returned", holds=returned)
        if compare:
            await self.compare()

    async def compare(self) -> Comparison:
        """Compare every row of the gates with the record."""
        by_gate = await self._gates.compare(await self._stock())
        found = self.last = sum_up(by_gate.values())
        if found.repaired:
            self.counts.drift_units += found.drift
            self.counts.rows_repaired += found.repaired
            log.warning("drift repaired", rows=found.repaired, units=found.drift)
        self._behind = {
            name: self._behind.get(name, 0) + 1 for name, one in by_gate.items() if one.behind
        }
        for name in [name for name, times in self._behind.items() if times >= BEHIND_MAX]:
            del self._behind[name]
            self.counts.rebuilds += 1
            log.warning("a gate stays behind the record", gate=name, rows=by_gate[name].behind)
            await self._rebuild.force([self._gates.named(name)])
        return found

    async def _stock(self) -> list[StockRow]:
        at_ms = self._clock()
        async with self._reread.needed() as changed:
            if changed or at_ms >= self._rows_until_ms:
                async with self._record.read() as connection:
                    self._rows = await read_stock(connection, at_ms)
                self._rows_until_ms = at_ms + ROWS_KEPT_MS
        return self._rows
