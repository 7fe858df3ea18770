"""How far the lake is: its tables, how far it is behind each source, and what it rejected."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from commerce.io.record.engine import wall_clock
from insight.facts import CHATS, LIVES, PAGES, Fact
from insight.io.lake import Lake
from insight.tables import FACTS, REJECTED
from server.bridge.facts import RECORD, FactSource, FactSpool, RecordSource
from server.ops.embedded import EmbeddedValkey
from server.ops.lake import facts_of, open_lake
from server.redis_client import open_redis
from server.settings import Settings

REDIS_WAIT_S = 3.0
_REASONS = "SELECT reason, count(*) FROM rejected GROUP BY reason ORDER BY count(*) DESC LIMIT 20"


async def status(settings: Settings) -> dict[str, Any]:
    """Return all of it; a source whose Redis is away has no lag, as nobody knows it."""
    lake = open_lake(settings)
    tables = await asyncio.to_thread(lake.status)
    position = await asyncio.to_thread(lake.version, FACTS, RECORD)
    url = settings.redis_url or EmbeddedValkey(settings.data_dir).url
    async with facts_of(settings) as log, open_redis(url) as redis:
        spools = [FactSpool(redis, name) for name in (PAGES, CHATS, LIVES)]
        sources = await _lags(lake, (RecordSource(log, with_people=False), *spools))
        last = (await log.ends())[1]
    rejected: list[tuple[Any, ...]] = []
    if any(table["table"] == f"{REJECTED.layer}/{REJECTED.name}" for table in tables):
        rejected = (await asyncio.to_thread(lake.sql, _REASONS))[1]
    return {
        "behind": last - max(position, 0),
        "sources": sources,
        "tables": tables,
        "rejected": [{"reason": reason, "facts": count} for reason, count in rejected],
    }


async def _lags(lake: Lake, sources: Sequence[FactSource]) -> list[dict[str, Any]]:
    """The age of each source's oldest fact that the lake does not have; 0 if it has all."""
    found = []
    for source in sources:
        position = await asyncio.to_thread(lake.version, FACTS, source.name)
        lag_ms: int | None = None
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(None if source.name == RECORD else REDIS_WAIT_S):
                waiting = await source.read(max(position, 0), 1)
            lag_ms = max(0, wall_clock() - _came_ms(waiting[0])) if waiting else 0
        found.append({"source": source.name, "last": position, "lag_ms": lag_ms})
    return found


def _came_ms(fact: Fact) -> int:
    """The record's facts come when they happen; those of a spool say when they came."""
    return fact.occurred_ms if fact.source == RECORD else fact.arrived_ms
