"""Fills gates from the record: at start, and whenever Redis was restarted or emptied.

The gate is closed (no epoch), the record is read, and everything is written in one MULTI that
Redis refuses if any key it was derived from has changed meanwhile; then it is read again. So a
rebuild may run beside ledgers and rebuilds of other workers. Entries that wait in the stream and
are not in the record yet keep their units, seats and keys.
"""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from commerce.errors import PoisonEntry
from commerce.io.gate.codec import (
    decode_entry,
    encode_admitted_key,
    encode_flash,
    encode_group,
    encode_hold,
    encode_offer_index,
    encode_offers,
    flash_field,
    offer_index_field,
)
from commerce.io.gate.gates import Gates
from commerce.io.gate.keys import GateKeys
from commerce.io.gate.keys import row as row_name
from commerce.io.gate.late import SEATS_KEPT_MS
from commerce.io.gate.nodes import read_run_ids
from commerce.io.gate.redis_gate import APPLIED_MS, RedisGate, StockRow
from commerce.io.gate.snapshot import RecordSnapshot, read_snapshot
from commerce.io.record.engine import Clock, Record
from commerce.io.record.schema import meta, orders
from commerce.io.record.shutdown import stopping
from commerce.orders.gate import HOLD_MS, IDEMPOTENCY_MS, LIMIT_WINDOW_MS
from commerce.orders.order import Entry
from commerce.orders.quotas import PLACE

LOCK_MS = 10_000  # a worker that dies while it rebuilds blocks the others for so long
RETRY_S = 0.02
SCAN_COUNT = 1_000
RECORD_ID = "record"

log = structlog.get_logger()


class Rebuild:
    """Brings gates in line with the record when they are not this record's or not this Redis's."""

    def __init__(self, record: Record, redis: Redis, gates: Gates, clock: Clock) -> None:
        self._record = record
        self._redis = redis
        self._gates = gates
        self._clock = clock
        self._record_id = ""
        self.count = 0

    async def ensure(self, gates: Sequence[RedisGate] | None = None) -> None:
        """Return once these gates, or all, are open and belong to this record and run of Redis."""
        looked_at = [gate.keys for gate in (self._gates.all() if gates is None else gates)]
        for keys, epoch, found in await self._epochs(looked_at):
            while found != epoch and not stopping():
                if await self._rebuild(keys, epoch):
                    self.count += 1
                    log.info("a gate was rebuilt", gate=keys.gate)
                    break
                await asyncio.sleep(RETRY_S)
                [(_, epoch, found)] = await self._epochs([keys])

    async def force(self, gates: Sequence[RedisGate] | None = None) -> None:
        """Rebuild even though the gates are open."""
        for gate in self._gates.all() if gates is None else gates:
            await self._redis.delete(gate.keys.epoch)
            await self.ensure([gate])

    async def drop(self, gate: RedisGate) -> None:
        """Delete all keys of a gate whose brand is gone."""
        await self._redis.delete(gate.keys.epoch)
        await self._drop(gate.keys)

    async def _epochs(self, gates: Sequence[GateKeys]) -> list[tuple[GateKeys, str, str]]:
        """Gates with the epoch that each should have, and the one that it has or ""."""
        if not self._record_id:
            self._record_id = await record_id(self._record)
        run_ids = await read_run_ids(self._redis, [keys.epoch for keys in gates])
        pipeline = self._redis.pipeline(transaction=False)
        for keys in gates:
            pipeline.get(keys.epoch)
        found = [epoch.decode() if epoch else "" for epoch in await pipeline.execute()]
        wanted = [f"{self._record_id}:{run_id}" for run_id in run_ids]
        return list(zip(gates, wanted, found, strict=True))

    async def _rebuild(self, keys: GateKeys, epoch: str) -> bool:
        token = secrets.token_hex(8)
        if not await self._redis.set(keys.rebuild, token, nx=True, px=LOCK_MS):
            return False  # another worker rebuilds
        try:
            if await self._redis.get(keys.epoch) == epoch.encode():
                # Another worker opened it meanwhile: to close it again would wake that one.
                await self._redis.delete(keys.rebuild)
                return False
            await self._drop_other_record(keys, epoch)
            await self._redis.delete(keys.epoch)
            return await self._fill(keys, token, epoch)
        except BaseException:
            await self._redis.delete(keys.rebuild)
            raise

    async def _fill(self, keys: GateKeys, token: str, epoch: str) -> bool:
        """Fill and open a closed gate; False if the lock was lost meanwhile."""
        while not stopping():
            async with self._redis.pipeline(transaction=True) as pipeline:
                await pipeline.watch(
                    keys.rebuild,
                    keys.orders,
                    keys.available,
                    keys.held,
                    keys.settled,
                    keys.hold,
                    keys.products,
                )
                if await pipeline.get(keys.rebuild) != token.encode():
                    return False
                entries = _entries(await pipeline.xrange(keys.orders))
                snapshot = await self._read(keys, entries)
                pipeline.multi()  # type: ignore[no-untyped-call]  # redis-py has no types here
                _write(keys, pipeline, snapshot, entries, self._clock())
                pipeline.set(keys.epoch, epoch)
                pipeline.delete(keys.rebuild)
                try:
                    await pipeline.execute()
                    return True
                except WatchError:  # a ledger settles what waits in the stream
                    await asyncio.sleep(RETRY_S)
                    await self._redis.pexpire(keys.rebuild, LOCK_MS)
        return False

    async def _drop_other_record(self, keys: GateKeys, epoch: str) -> None:
        """Drop the keys of another record: their entries and holds mean nothing here."""
        old = await self._redis.get(keys.epoch)
        if old is None or _owner(old) == _owner(epoch):
            return
        log.warning("the gate belonged to another record", gate=keys.gate)
        await self._drop(keys)

    async def _drop(self, keys: GateKeys) -> None:
        batch = [
            key
            async for key in self._redis.scan_iter(f"{keys.tag}:*", count=SCAN_COUNT)
            if key != keys.rebuild.encode()
        ]
        for at in range(0, len(batch), SCAN_COUNT):
            await self._redis.delete(*batch[at : at + SCAN_COUNT])

    async def _read(self, keys: GateKeys, entries: Sequence[Entry]) -> RecordSnapshot:
        at_ms = self._clock()
        async with self._record.read() as connection:
            snapshot = await read_snapshot(connection, at_ms, keys.gate)
            ids = [entry.order_id for entry in entries]
            for at in range(0, len(ids), SCAN_COUNT):
                found = await connection.scalars(
                    select(orders.c.id).where(orders.c.id.in_(ids[at : at + SCAN_COUNT]))
                )
                snapshot.known.update(found)
        return snapshot


def _write(
    keys: GateKeys,
    pipeline: Pipeline,
    snapshot: RecordSnapshot,
    entries: Sequence[Entry],
    at_ms: int,
) -> None:
    waiting = [entry for entry in entries if entry.order_id not in snapshot.known]
    pipeline.delete(
        keys.available,
        keys.held,
        keys.settled,
        keys.products,
        keys.open,
        keys.holds,
        keys.hold,
    )
    _write_stock(keys, pipeline, snapshot.stock, waiting)
    for entry in waiting:
        pipeline.hset(keys.hold, entry.order_id, encode_hold(entry))
        pipeline.zadd(keys.holds, {entry.order_id: at_ms + HOLD_MS})
        if entry.coupon_id:
            name = keys.coupon(entry.coupon_id)
            pipeline.set(name, entry.order_id, px=IDEMPOTENCY_MS)
    _write_offers(keys, pipeline, snapshot, at_ms)
    _write_groups(keys, pipeline, snapshot, waiting)
    _write_households(keys, pipeline, snapshot, waiting, at_ms)
    for change in snapshot.undelivered:
        pipeline.set(keys.applied(change), 1, px=APPLIED_MS)


def _write_offers(keys: GateKeys, pipeline: Pipeline, snapshot: RecordSnapshot, at_ms: int) -> None:
    for product in snapshot.products:
        offers = encode_offers(product, snapshot.rules, snapshot.estates, at_ms)
        index = encode_offer_index(snapshot.rules.version, at_ms, offers)
        facts: dict[Any, Any] = {**offers, offer_index_field(product.id): index}
        pipeline.hset(keys.products, mapping=facts)
    for room_id, product_id, sale in snapshot.flash:
        pipeline.hset(keys.products, flash_field(room_id, product_id), encode_flash(sale))


def _write_stock(
    keys: GateKeys, pipeline: Pipeline, rows: Sequence[StockRow], waiting: Sequence[Entry]
) -> None:
    held: dict[str, int] = {}
    for entry in waiting:
        for item_id, units in entry.held:
            row = row_name(item_id, entry.store_id)
            held[row] = held.get(row, 0) + units
        for name, units in entry.quotas:
            row = row_name(name, PLACE)
            held[row] = held.get(row, 0) + units
    free: dict[Any, Any] = {
        row_name(row.product_id, row.store_id): row.free
        - held.get(row_name(row.product_id, row.store_id), 0)
        for row in rows
    }
    if free:
        pipeline.hset(keys.available, mapping=free)
        pipeline.hset(
            keys.settled,
            mapping={row_name(row.product_id, row.store_id): row.moves for row in rows},
        )
    if held:
        counts: dict[Any, Any] = dict(held)
        pipeline.hset(keys.held, mapping=counts)


def _write_groups(
    keys: GateKeys, pipeline: Pipeline, snapshot: RecordSnapshot, waiting: Sequence[Entry]
) -> None:
    ends = {group.id: group.ends_at_ms for group in snapshot.groups}
    for group in snapshot.groups:
        pipeline.set(keys.group(group.id), encode_group(group), pxat=group.ends_at_ms)
        pipeline.hset(keys.open, f"{group.estate_id}|{group.product_id}", group.id)
        pipeline.delete(keys.seats(group.id))
    seats = snapshot.seats + [
        (entry.group_id, entry.household, entry.order_id)
        for entry in waiting
        if entry.group_id in ends
    ]
    for group_id, household_id, order_id in seats:
        pipeline.hset(keys.seats(group_id), household_id, order_id)
    for group_id in {group_id for group_id, _, _ in seats}:
        pipeline.pexpireat(keys.seats(group_id), ends[group_id] + SEATS_KEPT_MS)


def _write_households(
    keys: GateKeys,
    pipeline: Pipeline,
    snapshot: RecordSnapshot,
    waiting: Sequence[Entry],
    at_ms: int,
) -> None:
    bought = {(home, product): (units, since) for home, product, units, since in snapshot.bought}
    for entry in waiting:
        for product_id, units in entry.counted:
            mark = (entry.household, product_id)
            before, since = bought.get(mark, (0, entry.at_ms))
            bought[mark] = (before + units, min(since, entry.at_ms))
    for (home, product), (units, since) in bought.items():
        left_ms = since + LIMIT_WINDOW_MS - at_ms
        if left_ms > 0:
            pipeline.set(keys.bought(home, product), units, px=left_ms)
    answers = snapshot.recent + [(entry.order_id, entry.body_hash) for entry in waiting]
    for order_id, body_hash in answers:
        pipeline.set(keys.idem(order_id), encode_admitted_key(body_hash), px=IDEMPOTENCY_MS)


async def record_id(record: Record) -> str:
    """The id that this record got when it was first used."""
    query = select(meta.c.value).where(meta.c.name == RECORD_ID)
    async with record.read() as connection:
        value = await connection.scalar(query)
    if value is None:
        try:
            async with record.write() as connection:
                values = {"name": RECORD_ID, "value": secrets.token_hex(8)}
                await connection.execute(insert(meta), values)
        except IntegrityError:
            pass  # another worker was first
        async with record.read() as connection:
            value = await connection.scalar(query)
    return str(value)


def _owner(epoch: bytes | str) -> bytes:
    """Whose record an epoch belongs to."""
    return (epoch if isinstance(epoch, bytes) else epoch.encode()).partition(b":")[0]


def _entries(raw: Any) -> list[Entry]:
    entries = []
    for entry_id, fields in raw:
        try:
            entries.append(decode_entry(entry_id, fields))
        except PoisonEntry:
            continue  # the ledger moves it to the dead letters
    return entries
