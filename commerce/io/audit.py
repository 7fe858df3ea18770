"""Checks the invariants of selling on a record, and of the gate beside it.

For tests and `linli doctor`. The record's checks hold at any moment; the gate's at a quiet one,
when no order is on its way.
"""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from commerce.io.gate.keys import SHARED, GateKeys
from commerce.io.gate.keys import row as row_name
from commerce.io.gate.snapshot import read_stock
from commerce.io.invariants import INVARIANTS
from commerce.io.record.audit_trail import broken_entries
from commerce.io.record.draw_rows import broken_draws
from commerce.io.record.engine import Clock, Record, wall_clock
from commerce.io.record.quotas import broken_quotas
from commerce.io.record.schema import brands

FINDINGS_MAX = 20  # per invariant
AUDIT_TRAIL = "the audit trail is whole"
RECOUNT = "the winners of a draw are those of a recount"
QUOTAS = "what is taken of a quota is in orders that are not cancelled"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    invariant: str
    what: str


async def audit(engine: AsyncEngine) -> list[Finding]:
    """Check a record; no findings means sound."""
    findings: list[Finding] = []
    async with Record(engine).read() as connection:
        for invariant, query in INVARIANTS.items():
            findings += await _check(connection, invariant, query)
        findings += [
            Finding(AUDIT_TRAIL, f"{brand}, entry {n}")
            for brand, n in await connection.run_sync(broken_entries)
        ]
        for invariant, broken in ((RECOUNT, broken_draws), (QUOTAS, broken_quotas)):
            found = await connection.run_sync(broken)
            findings += [Finding(invariant, what) for what in found[:FINDINGS_MAX]]
    return findings


async def _check(connection: AsyncConnection, invariant: str, query: str) -> list[Finding]:
    rows = (await connection.execute(text(query))).fetchmany(FINDINGS_MAX)
    return [Finding(invariant, ", ".join(str(value) for value in row)) for row in rows]


async def audit_gate(engine: AsyncEngine, redis: Redis, clock: Clock = wall_clock) -> list[Finding]:
    """Check the gate beside its record, while stream and outbox are empty."""
    findings: list[Finding] = []
    async with Record(engine).read() as connection:
        rows = await read_stock(connection, clock())
        names = {SHARED, *await connection.scalars(select(brands.c.gate))}
    gates = {name: GateKeys(name) for name in sorted(names)}
    available = {name: await _numbers(redis, keys.available) for name, keys in gates.items()}
    held = {name: await _numbers(redis, keys.held) for name, keys in gates.items()}
    for row in rows:
        field = row_name(row.product_id, row.store_id)
        here, set_aside = available[row.gate].get(field, 0), held[row.gate].get(field, 0)
        if here + set_aside != row.free:
            findings.append(
                Finding(
                    "available and held are what is free",
                    f"{field}: {here} + {set_aside} in the gate, {row.free} in the record",
                )
            )
        if here < 0 or set_aside < 0:
            findings.append(Finding("units are never negative", f"{field}: {here}, {set_aside}"))
    findings += [
        Finding("every key ends or has an owner", key)
        for keys in gates.values()
        for key in await keys_without_end(redis, keys)
    ]
    return findings


async def keys_without_end(redis: Redis, keys: GateKeys) -> list[str]:
    """Keys of a gate that neither expire nor are known to be kept."""
    found = []
    async for key in redis.scan_iter(f"{keys.tag}:*"):
        name = key.decode() if isinstance(key, bytes) else key
        if name not in keys.owned and await redis.ttl(name) == -1:
            found.append(name)
    return found


async def _numbers(redis: Redis, key: str) -> dict[str, int]:
    found: dict[Any, Any] = await redis.hgetall(key)
    return {field.decode(): int(value) for field, value in found.items()}
