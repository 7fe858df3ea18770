"""Figures of commerce for a scrape: one round trip to Redis and one SQL statement, side by side.

All figures but the drift are the installation's, the same in every worker. What cannot be read in
time is None, and counted in `scrape_errors`; a scrape never fails.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import DBAPIError

from commerce.io.gate.gates import Gates
from commerce.io.gate.reconcile import Reconcile
from commerce.io.record.engine import Clock, Record
from commerce.io.record.schema import outbox
from commerce.io.record.schema_refunds import refunds

READ_S_MAX = 1.0  # a scrape waits no longer for Redis or SQL

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GateFigures:
    """What Redis says. The lag is the age of the oldest entry that was not settled."""

    backlog_entries: int
    ledger_lag_s: float
    holds: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """What the record says. The outbox's age is that of its oldest row whose time has come."""

    outbox_age_s: float
    refunds_waiting: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One scrape. `gate_drift_units` is what this worker's last comparison found and repaired."""

    gate: GateFigures | None
    record: RecordFigures | None
    gate_drift_units: int | None
    scrape_errors: dict[str, int]


_RECORD = select(
    select(outbox.c.enqueued_at_ms)
    .where(outbox.c.enqueued_at_ms <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(1)
    .scalar_subquery(),
    select(func.count())
    .select_from(refunds)
    .where(refunds.c.done_at_ms.is_(None))
    .scalar_subquery(),
)


class CommerceMetrics:
    """Reads the figures when asked."""

    def __init__(
        self, record: Record, redis: Redis, gates: Gates, reconcile: Reconcile, clock: Clock
    ) -> None:
        self._record = record
        self._redis = redis
        self._gates = gates
        self._reconcile = reconcile
        self._clock = clock
        self._errors = Counter({"redis": 0, "sql": 0})

    async def read(self) -> Figures:
        """Return the figures of this moment, within `READ_S_MAX`."""
        gate, record = await asyncio.gather(self._read_gate(), self._read_record())
        return self._figures(gate, record)

    def own(self) -> Figures:
        """Return what is this worker's own."""
        return self._figures(None, None)

    def _figures(self, gate: GateFigures | None, record: RecordFigures | None) -> Figures:
        last = self._reconcile.last
        return Figures(gate, record, last.drift if last else None, dict(self._errors))

    async def _read_gate(self) -> GateFigures | None:
        try:
            async with asyncio.timeout(READ_S_MAX):
                pipeline = self._redis.pipeline(transaction=False)
                for gate in self._gates.all():
                    pipeline.xlen(gate.keys.orders)
                    pipeline.xrange(gate.keys.orders, count=1)
                    pipeline.hlen(gate.keys.hold)
                    pipeline.xlen(gate.keys.dead)
                found = await pipeline.execute()
                seconds, micros = await self._redis.time()  # entry ids are made by such a clock
        except (RedisError, OSError) as error:
            self._failed("redis", error)
            return None
        now_ms = seconds * 1_000 + micros // 1_000
        backlogs, oldest, holds, dead = (found[at::4] for at in range(4))
        made_at_ms = [_made_at_ms(entries[0][0]) for entries in oldest if entries]
        lag_ms = max(0, now_ms - min(made_at_ms, default=now_ms))
        return GateFigures(sum(backlogs), lag_ms / 1_000, sum(holds), sum(dead))

    async def _read_record(self) -> RecordFigures | None:
        try:
            async with asyncio.timeout(READ_S_MAX), self._record.read() as connection:
                oldest_ms, refunds_waiting = (
                    await connection.execute(_RECORD, {"now": self._clock()})
                ).one()
        except (DBAPIError, OSError) as error:
            self._failed("sql", error)
            return None
        age_ms = max(0, self._clock() - oldest_ms) if oldest_ms is not None else 0
        return RecordFigures(age_ms / 1_000, refunds_waiting)

    def _failed(self, source: str, error: Exception) -> None:
        self._errors[source] += 1
        log.warning("metrics not read", source=source, error=type(error).__name__)


def _made_at_ms(entry_id: Any) -> int:
    """When Redis made an entry."""
    return int(entry_id.partition(b"-")[0])
