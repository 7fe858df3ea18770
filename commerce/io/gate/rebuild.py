"""Fills the gate from the record: at start, and whenever Redis was restarted or emptied.

The gate is closed (no epoch), the record is read, and everything is written in one MULTI that
Redis refuses if any key it was derived from has changed meanwhile; then it is read again. So a
rebuild may run beside ledgers and rebuilds of other workers. Entries that wait in the stream and
are not in the record yet keep their units, seats and keys.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError
from sqlalchemy import Select, func, insert, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.offers import RuleBook
from commerce.catalogue.values import Estate, Product
from commerce.errors import PoisonEntry
from commerce.groups.group import JOINABLE, Group
from commerce.io.gate import keys
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
from commerce.io.gate.flash_rows import OPEN_SALES, counted_by_sale, flash_of
from commerce.io.gate.late import SEATS_KEPT_MS
from commerce.io.gate.redis_gate import APPLIED_MS, StockRow
from commerce.io.record.engine import Clock, Record
from commerce.io.record.rows import GROUPS, HOUSEHOLD, PRODUCTS, estate_of, group_of, product_of
from commerce.io.record.rule_book import read_rule_book
from commerce.io.record.schema import (
    buying_groups,
    estates,
    group_seats,
    meta,
    orders,
    outbox,
    stock,
)
from commerce.io.record.schema_flash import quotas
from commerce.io.record.schema_sets import order_lines
from commerce.io.record.schema_slots import slots
from commerce.io.record.shutdown import stopping
from commerce.orders.flash import GateFlash
from commerce.orders.gate import HOLD_MS, IDEMPOTENCY_MS, LIMIT_WINDOW_MS
from commerce.orders.order import PRIZE_ENTRY, Entry
from commerce.orders.promise import slot_item
from commerce.orders.quotas import PLACE
from commerce.orders.states import UNDONE_VALUES, OrderState

LOCK_MS = 10_000  # a worker that dies while it rebuilds blocks the others for so long
RETRY_S = 0.02
ANSWERS_MAX = 20_000  # newest orders whose keys are restored
SCAN_COUNT = 1_000
SLOTS_KEPT_MS = 3_600 * 1_000  # slots are compared for so long after their window
RECORD_ID = "record"

log = structlog.get_logger()


@dataclass(slots=True)
class RecordSnapshot:
    """What the record says, read at one moment."""

    stock: list[StockRow]
    products: list[Product]
    estates: list[Estate]
    rules: RuleBook
    groups: list[Group]
    seats: list[tuple[str, str, str]]
    flash: list[tuple[str, str, GateFlash]]
    bought: list[tuple[str, str, int, int]]
    recent: list[tuple[str, str]]
    undelivered: list[str]
    known: set[str] = field(default_factory=set)


class Rebuild:
    """Brings the gate in line with the record when it is not this record's, or not this Redis's."""

    def __init__(self, record: Record, redis: Redis, clock: Clock) -> None:
        self._record = record
        self._redis = redis
        self._clock = clock
        self._record_id = ""
        self.count = 0

    async def ensure(self) -> None:
        """Return once the gate is open and belongs to this record and this run of Redis."""
        while not stopping():
            epoch = await self._epoch()
            if await self._redis.get(keys.EPOCH) == epoch.encode():
                return
            if await self._rebuild(epoch):
                self.count += 1
                log.info("the gate was rebuilt")
                return
            await asyncio.sleep(RETRY_S)

    async def force(self) -> None:
        """Rebuild even though the gate is open."""
        await self._redis.delete(keys.EPOCH)
        await self.ensure()

    async def _epoch(self) -> str:
        if not self._record_id:
            self._record_id = await record_id(self._record)
        info = await self._redis.info("server")
        return f"{self._record_id}:{info.get('run_id', '')}"

    async def _rebuild(self, epoch: str) -> bool:
        token = secrets.token_hex(8)
        if not await self._redis.set(keys.REBUILD, token, nx=True, px=LOCK_MS):
            return False  # another worker rebuilds
        try:
            await self._drop_other_record(epoch)
            await self._redis.delete(keys.EPOCH)
            return await self._fill(token, epoch)
        except BaseException:
            await self._redis.delete(keys.REBUILD)
            raise

    async def _fill(self, token: str, epoch: str) -> bool:
        """Fill and open the closed gate; False if the lock was lost meanwhile."""
        while not stopping():
            async with self._redis.pipeline(transaction=True) as pipeline:
                await pipeline.watch(
                    keys.REBUILD,
                    keys.ORDERS,
                    keys.AVAILABLE,
                    keys.HELD,
                    keys.SETTLED,
                    keys.HOLD,
                    keys.PRODUCTS,
                )
                if await pipeline.get(keys.REBUILD) != token.encode():
                    return False
                entries = _entries(await pipeline.xrange(keys.ORDERS))
                snapshot = await self._read(entries)
                pipeline.multi()  # type: ignore[no-untyped-call]  # redis-py has no types here
                self._write(pipeline, snapshot, entries)
                pipeline.set(keys.EPOCH, epoch)
                pipeline.delete(keys.REBUILD)
                try:
                    await pipeline.execute()
                    return True
                except WatchError:  # a ledger settles what waits in the stream
                    await asyncio.sleep(RETRY_S)
                    await self._redis.pexpire(keys.REBUILD, LOCK_MS)
        return False

    async def _drop_other_record(self, epoch: str) -> None:
        """Drop the keys of another record: their entries and holds mean nothing here."""
        old = await self._redis.get(keys.EPOCH)
        if old is None or _owner(old) == _owner(epoch.encode()):
            return
        log.warning("the gate belonged to another record")
        batch = [
            key
            async for key in self._redis.scan_iter(f"{keys.TAG}:*", count=SCAN_COUNT)
            if key != keys.REBUILD.encode()
        ]
        for at in range(0, len(batch), SCAN_COUNT):
            await self._redis.delete(*batch[at : at + SCAN_COUNT])

    async def _read(self, entries: Sequence[Entry]) -> RecordSnapshot:
        at_ms = self._clock()
        async with self._record.read() as connection:
            snapshot = await read_snapshot(connection, at_ms)
            ids = [entry.order_id for entry in entries]
            for at in range(0, len(ids), SCAN_COUNT):
                found = await connection.scalars(
                    select(orders.c.id).where(orders.c.id.in_(ids[at : at + SCAN_COUNT]))
                )
                snapshot.known.update(found)
        return snapshot

    def _write(
        self, pipeline: Pipeline, snapshot: RecordSnapshot, entries: Sequence[Entry]
    ) -> None:
        waiting = [entry for entry in entries if entry.order_id not in snapshot.known]
        pipeline.delete(
            keys.AVAILABLE,
            keys.HELD,
            keys.SETTLED,
            keys.PRODUCTS,
            keys.OPEN,
            keys.HOLDS,
            keys.HOLD,
        )
        _write_stock(pipeline, snapshot.stock, waiting)
        at_ms = self._clock()
        for entry in waiting:
            pipeline.hset(keys.HOLD, entry.order_id, encode_hold(entry))
            pipeline.zadd(keys.HOLDS, {entry.order_id: at_ms + HOLD_MS})
            if entry.coupon_id:
                name = keys.coupon(entry.coupon_id)
                pipeline.set(name, entry.order_id, px=IDEMPOTENCY_MS)
        _write_offers(pipeline, snapshot, at_ms)
        _write_groups(pipeline, snapshot, waiting)
        _write_households(pipeline, snapshot, waiting, at_ms)
        for change in snapshot.undelivered:
            pipeline.set(keys.applied(change), 1, px=APPLIED_MS)


def _write_offers(pipeline: Pipeline, snapshot: RecordSnapshot, at_ms: int) -> None:
    for product in snapshot.products:
        offers = encode_offers(product, snapshot.rules, snapshot.estates, at_ms)
        index = encode_offer_index(snapshot.rules.version, at_ms, offers)
        facts: dict[Any, Any] = {**offers, offer_index_field(product.id): index}
        pipeline.hset(keys.PRODUCTS, mapping=facts)
    for room_id, product_id, sale in snapshot.flash:
        pipeline.hset(keys.PRODUCTS, flash_field(room_id, product_id), encode_flash(sale))


def _write_stock(pipeline: Pipeline, rows: Sequence[StockRow], waiting: Sequence[Entry]) -> None:
    held: dict[str, int] = {}
    for entry in waiting:
        for item_id, units in entry.held:
            row = keys.row(item_id, entry.store_id)
            held[row] = held.get(row, 0) + units
        for name, units in entry.quotas:
            row = keys.row(name, PLACE)
            held[row] = held.get(row, 0) + units
    free: dict[Any, Any] = {
        keys.row(row.product_id, row.store_id): row.free
        - held.get(keys.row(row.product_id, row.store_id), 0)
        for row in rows
    }
    if free:
        pipeline.hset(keys.AVAILABLE, mapping=free)
        pipeline.hset(
            keys.SETTLED,
            mapping={keys.row(row.product_id, row.store_id): row.moves for row in rows},
        )
    if held:
        counts: dict[Any, Any] = dict(held)
        pipeline.hset(keys.HELD, mapping=counts)


def _write_groups(pipeline: Pipeline, snapshot: RecordSnapshot, waiting: Sequence[Entry]) -> None:
    ends = {group.id: group.ends_at_ms for group in snapshot.groups}
    for group in snapshot.groups:
        pipeline.set(keys.group(group.id), encode_group(group), pxat=group.ends_at_ms)
        pipeline.hset(keys.OPEN, f"{group.estate_id}|{group.product_id}", group.id)
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
    pipeline: Pipeline, snapshot: RecordSnapshot, waiting: Sequence[Entry], at_ms: int
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


async def read_snapshot(connection: AsyncConnection, at_ms: int) -> RecordSnapshot:
    """Read all that the gate is made from."""
    joinable = (
        buying_groups.c.state.in_([state.value for state in JOINABLE]),
        buying_groups.c.ends_at_ms > at_ms,
    )
    groups = await connection.execute(
        GROUPS.where(*joinable).order_by(buying_groups.c.opened_at_ms)
    )
    seats = await connection.execute(select(group_seats).join(buying_groups).where(*joinable))
    unpaid = await connection.execute(
        select(orders.c.group_id, HOUSEHOLD, orders.c.id)
        .join(buying_groups, buying_groups.c.id == orders.c.group_id)
        .where(orders.c.state == OrderState.WAITING_PAYMENT.value, *joinable)
    )
    bought = await connection.execute(_bought_since(at_ms - LIMIT_WINDOW_MS))
    taken = await connection.execute(
        select(HOUSEHOLD.label("household"), orders.c.quotas, orders.c.created_at_ms).where(
            orders.c.created_at_ms > at_ms - LIMIT_WINDOW_MS,
            orders.c.state.not_in(UNDONE_VALUES),
            orders.c.quotas != "",
        )
    )
    sales = await connection.execute(OPEN_SALES)
    recent = await connection.execute(
        select(orders.c.id, orders.c.body_hash)
        .where(orders.c.created_at_ms > at_ms - IDEMPOTENCY_MS)
        .order_by(orders.c.created_at_ms.desc())
        .limit(ANSWERS_MAX)
    )
    undelivered = await connection.execute(
        select(
            outbox.c.id,
            outbox.c.topic,
            outbox.c.subject,
            outbox.c.units,
            outbox.c.enqueued_at_ms,
        ).where(outbox.c.topic.in_(["release", "restock"]))
    )
    products = await connection.execute(PRODUCTS)
    homes = await connection.execute(select(estates))
    return RecordSnapshot(
        stock=await read_stock(connection, at_ms),
        products=[product_of(row) for row in products.mappings()],
        estates=[estate_of(row) for row in homes.mappings()],
        rules=await read_rule_book(connection, RuleBook()),
        groups=[group_of(row) for row in groups.mappings()],
        # Who has yet to pay joins no second time.
        seats=[(group_id, household, order_id) for group_id, household, order_id in unpaid]
        + [(row.group_id, row.household_id, row.order_id) for row in seats],
        flash=[(row.room_id, row.product_id, flash_of(row)) for row in sales],
        bought=[
            *[(home, product, int(units), since) for home, product, units, since in bought],
            *counted_by_sale(taken.all()),
        ],
        recent=[(order_id, body_hash) for order_id, body_hash in recent],
        undelivered=[
            release_change(subject, units)
            if topic == "release"
            else restock_change(id, enqueued_at_ms)
            for id, topic, subject, units, enqueued_at_ms in undelivered
        ],
    )


def _bought_since(since_ms: int) -> Select[Any]:
    """Units by household and product, and when the first order was made; orders of lines, too."""
    counted = (
        orders.c.created_at_ms > since_ms,
        orders.c.state.not_in(UNDONE_VALUES),
        orders.c.entry_id.not_like(f"{PRIZE_ENTRY}%"),
    )
    own = select(
        HOUSEHOLD.label("household"),
        orders.c.product_id,
        orders.c.quantity.label("units"),
        orders.c.created_at_ms,
    ).where(*counted, orders.c.line_count == 0)
    of_lines = (
        select(
            HOUSEHOLD.label("household"),
            order_lines.c.product_id,
            order_lines.c.units,
            orders.c.created_at_ms,
        )
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(*counted)
    )
    each = union_all(own, of_lines).subquery()
    return select(
        each.c.household, each.c.product_id, func.sum(each.c.units), func.min(each.c.created_at_ms)
    ).group_by(each.c.household, each.c.product_id)


async def read_stock(connection: AsyncConnection, at_ms: int) -> list[StockRow]:
    """What the record says of products in stores, and of slots and quotas that are not over."""
    rows = await connection.execute(
        select(stock.c.product_id, stock.c.store_id, stock.c.on_hand - stock.c.sold, stock.c.moves)
    )
    counted = await connection.execute(
        select(quotas.c.name, quotas.c.capacity - quotas.c.taken, quotas.c.moves).where(
            quotas.c.until_ms > at_ms
        )
    )
    windows = await connection.execute(
        select(
            slots.c.name, slots.c.store_id, slots.c.capacity - slots.c.taken, slots.c.moves
        ).where(slots.c.until_ms > at_ms - SLOTS_KEPT_MS)
    )
    return (
        [StockRow(product, store, free, moves) for product, store, free, moves in rows]
        + [StockRow(slot_item(name), store, free, moves) for name, store, free, moves in windows]
        + [StockRow(name, PLACE, free, moves) for name, free, moves in counted]
    )


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


def restock_change(outbox_id: int, enqueued_at_ms: int) -> str:
    """Return the id under which units received are applied to the gate.

    The time belongs to it: SQLite gives the id of a row that was delivered and deleted again.
    """
    return f"restock-{outbox_id}-{enqueued_at_ms}"


def release_change(order_id: str, again: int) -> str:
    """Return the id under which an order's units go back; `again` if it was paid late before."""
    return f"{order_id}-again" if again else order_id


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
