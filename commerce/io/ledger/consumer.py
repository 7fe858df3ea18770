"""The ledger: takes admitted taps off the stream, and writes each batch in one transaction.

read → charge → one transaction (orders, stock, seats, money, outbox) → answer → settle (XACK).
A worker may die between any two steps: entries that were not settled are claimed and
redelivered, the charge is keyed by the order id, and an order that exists is not rewritten.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from commerce.errors import NewerEntry, PoisonEntry
from commerce.io.gate.codec import decode_entry
from commerce.io.gate.gates import Gates, Turns
from commerce.io.gate.keys import CONSUMER_GROUP
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.answers import Answer, Answers, encode
from commerce.io.ledger.writes import load_facts, next_number, write_plan
from commerce.io.record.engine import Record
from commerce.io.record.shutdown import stopping
from commerce.money.intents import PaymentAccount
from commerce.money.payments import Charge, PaymentOutcome, Payments, Refund
from commerce.orders.ledger import BATCH_MAX, Plan, plan
from commerce.orders.order import Entry
from commerce.spans import Spans, no_spans

BLOCK_MS = 1_000  # how long a read waits for the first entry
CLAIM_IDLE_MS = 5_000  # an entry that is unsettled for so long is claimed
CLAIM_IDLE_FIRST_MS = 1_000  # the same just after the start: after a crash buyers wait
CLAIM_FIRST_S = 10.0
CLAIM_EVERY_S = 1.0
CONSUMER_IDLE_MS = 3_600_000  # a consumer that is idle for so long is deleted
BACKOFF_S = 0.2
DELIVERIES_MAX = 5  # failures of one entry by itself before it is a dead letter
DEAD_MAX = 10_000

log = structlog.get_logger()

# Called between the steps of a batch; tests raise from it to die at exactly that point.
Probe = Callable[[str], None]


class Ledger:
    """One consumer of the order streams, one per gate.

    `worker` names us among the consumers; `knows` says whether what an entry names exists. With
    an `account` nothing is charged here: orders wait until they are paid there.
    """

    def __init__(
        self,
        record: Record,
        redis: Redis,
        gates: Gates,
        payments: Payments,
        answers: Answers,
        *,
        account: PaymentAccount | None = None,
        worker: str,
        knows: Callable[[Entry], Awaitable[bool]],
        on_commit: Callable[[], None],
        probe: Probe = lambda step: None,
        spans: Spans = no_spans,
    ) -> None:
        self._record = record
        self._redis = redis
        self._gates = gates
        self._turns = Turns()
        self._grouped: set[str] = set()
        self._payments = payments
        self._account = account
        self._answers = answers
        self._worker = worker
        self._knows = knows
        self._on_commit = on_commit
        self._probe = probe
        self._spans = spans
        self._failures: dict[tuple[str, str], int] = {}
        self._started_at: float | None = None
        self._claim_at = 0.0
        self._unfinished = False  # a batch failed: our pending entries are reread first
        self.committed = 0
        self.dead_letters = 0

    async def run(self) -> None:
        """Work off the streams until cancelled."""
        while not stopping():
            try:
                await self.step(block_ms=BLOCK_MS)
            except (RedisError, DBAPIError, OSError) as error:
                log.warning("ledger unavailable", error=type(error).__name__, why=str(error)[:200])
                self._unfinished = True
                await asyncio.sleep(BACKOFF_S)

    async def step(self, *, block_ms: int | None = None) -> int:
        """Claim abandoned entries, then handle one batch of new ones; return how many.

        One gate's new entries are waited for at Redis. Of several, each is read after a tap of
        this worker, and when its turn comes.
        """
        gates, handled = self._gates.all(), 0
        due = [self._gates.named(name) for name in sorted(self._gates.take_tapped())]
        now = asyncio.get_running_loop().time()
        if now >= self._claim_at:
            self._claim_at = now + CLAIM_EVERY_S
            self._started_at = self._started_at or now
            fresh = now - self._started_at < CLAIM_FIRST_S
            turn = self._turns.next(gates)
            due += [gate for gate in turn if gate not in due]
            idle_ms = CLAIM_IDLE_FIRST_MS if fresh else CLAIM_IDLE_MS
            handled += await self.claim(idle_ms, turn)
        if self._unfinished:
            handled += await self._read(gates, "0", None)
            self._unfinished = False
        if len(gates) == 1:
            return handled + await self._read(gates, ">", block_ms)
        if due:
            handled += await self._read(due, ">", None)
        if not handled and block_ms:
            await self._gates.wait_for_tap(block_ms / 1_000)
        return handled

    async def _read(self, gates: Sequence[RedisGate], since: str, block_ms: int | None) -> int:
        """Read and handle one batch per gate; `since` is ">" for new entries, "0" for our
        unsettled ones.
        """
        await self.make_groups(gates)
        replies = await self._ask(gates, since, block_ms)
        handled = 0
        for gate, reply in zip(gates, replies, strict=True):
            if isinstance(reply, ResponseError) and "NOGROUP" in str(reply):
                self._grouped.discard(gate.keys.orders)
                continue
            if isinstance(reply, Exception):
                raise reply
            for _, raw in _streams(reply):
                # A pending entry that was deleted from the stream has no fields any more.
                if raw := [(entry_id, fields) for entry_id, fields in raw if fields]:
                    await self._handle(gate, raw)
                    handled += len(raw)
        return handled

    async def _ask(self, gates: Sequence[RedisGate], since: str, block_ms: int | None) -> list[Any]:
        """Replies to XREADGROUP, one per gate, in one round trip; an error is a reply, too."""
        calls: list[tuple[Any, ...]] = [
            (CONSUMER_GROUP, self._worker, {gate.keys.orders: since}, BATCH_MAX, block_ms)
            for gate in gates
        ]
        if len(calls) == 1:
            try:
                return [await self._redis.xreadgroup(*calls[0])]
            except ResponseError as error:
                return [error]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.xreadgroup(*call)
            return await pipeline.execute(raise_on_error=False)

    async def claim(self, idle_ms: int, gates: Sequence[RedisGate] | None = None) -> int:
        """Claim and handle entries of gates, or of all, that are unsettled for `idle_ms`."""
        looked_at = self._gates.all() if gates is None else gates
        return sum([await self._claim(gate, idle_ms) for gate in looked_at])

    async def _claim(self, gate: RedisGate, idle_ms: int) -> int:
        handled, cursor, orders = 0, "0-0", gate.keys.orders
        while True:
            try:
                reply = await self._redis.xautoclaim(
                    orders, CONSUMER_GROUP, self._worker, idle_ms, cursor, count=BATCH_MAX
                )
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                self._grouped.discard(orders)
                return handled
            cursor, raw = reply[0].decode(), reply[1]
            if raw:
                await self._handle(gate, raw)
                handled += len(raw)
            if cursor == "0-0":
                return handled

    async def make_groups(self, gates: Sequence[RedisGate] | None = None) -> None:
        """Make streams and their consumer groups unless they exist; see `make_group`."""
        for gate in self._gates.all() if gates is None else gates:
            if gate.keys.orders not in self._grouped:
                await make_group(self._redis, gate.keys.orders)
                self._grouped.add(gate.keys.orders)

    async def _handle(
        self, gate: RedisGate, raw: Sequence[tuple[bytes, dict[bytes, bytes]]]
    ) -> None:
        entries = []
        for entry_id, fields in raw:
            try:
                entry = decode_entry(entry_id, fields)
                if not await self._knows(entry):
                    raise PoisonEntry("it names something that does not exist")
                entries.append(entry)
            except NewerEntry:
                # It stays pending, and a worker of that version claims it.
                log.warning("entry of a newer version left", entry=entry_id.decode())
            except PoisonEntry as error:
                await self._dead_letter(gate, entry_id.decode(), fields, str(error))
        if entries:
            await self._post(gate, entries)

    async def _post(self, gate: RedisGate, entries: Sequence[Entry]) -> None:
        """Post a batch; if the record refuses it as a whole, post its entries one by one."""
        try:
            await self._post_batch(gate, entries)
        except IntegrityError as error:
            if len(entries) > 1:
                for entry in entries:
                    await self._post(gate, [entry])
                return
            await self._failed(gate, entries[0], error)

    async def _post_batch(self, gate: RedisGate, entries: Sequence[Entry]) -> None:
        self._probe("read")
        order_ids = [entry.order_id for entry in entries]
        with self._spans("order.charge", order_ids):
            outcomes = await self._charge(entries)
        self._probe("charged")
        paid = {entry.order_id: outcome for entry, outcome in zip(entries, outcomes, strict=True)}
        # Without an answer from the provider an entry stays pending and is claimed again later.
        decided = [entry for entry in entries if paid[entry.order_id] is not PaymentOutcome.UNKNOWN]
        if not decided:
            return
        with self._spans("order.commit", order_ids):
            result = await self._commit(decided, paid)
        self._probe("committed")
        self.committed += len(result.orders)
        for entry in decided:
            self._failures.pop((gate.keys.gate, entry.entry_id), None)
        with self._spans("order.settle", order_ids):
            await self._answer(gate, result)
        self._probe("settled")

    async def _charge(self, entries: Sequence[Entry]) -> Sequence[PaymentOutcome]:
        if self._account:
            return [PaymentOutcome.LATER] * len(entries)
        charges = [Charge(entry.order_id, entry.guest_id, entry.total_fen) for entry in entries]
        return await self._payments.charge(charges)

    async def _commit(self, entries: Sequence[Entry], paid: dict[str, PaymentOutcome]) -> Plan:
        def post(connection: Connection) -> Plan:
            facts = load_facts(connection, entries)
            new = sum(entry.order_id not in facts.known for entry in entries)
            number = next_number(connection, len(entries)) if new else 0
            result = plan(entries, paid, facts, number)
            write_plan(connection, result, self._account)
            return result

        return await self._record.transact(post)

    async def _answer(self, gate: RedisGate, result: Plan) -> None:
        verdicts, groups = result.verdicts, result.groups
        answers = [
            Answer(verdict.order, verdict.refusal, groups.get(verdict.order.group_id))
            for verdict in verdicts
        ]
        self._answers.resolve(answers)
        self._on_commit()
        elsewhere = [
            answer
            for answer, verdict in zip(answers, verdicts, strict=True)
            if verdict.entry.origin != self._worker
        ]
        await gate.settle(verdicts, (), encode(elsewhere))

    async def _failed(self, gate: RedisGate, entry: Entry, error: IntegrityError) -> None:
        which = gate.keys.gate, entry.entry_id
        failures = self._failures[which] = self._failures.get(which, 0) + 1
        log.warning("entry refused by the record", entry=entry.entry_id, why=str(error.orig))
        if failures < DELIVERIES_MAX:
            return
        del self._failures[which]
        if self._account is None:  # else nothing was charged
            [outcome] = await self._payments.refund([Refund(entry.order_id, entry.total_fen)])
            if outcome is PaymentOutcome.UNKNOWN:
                return
        await self._dead_letter(
            gate, entry.entry_id, {b"order": entry.order_id.encode()}, str(error.orig)
        )

    async def _dead_letter(
        self, gate: RedisGate, entry_id: str, fields: dict[bytes, bytes], why: str
    ) -> None:
        """Move an entry to the dead-letter stream; its hold expires by itself."""
        self.dead_letters += 1
        dead: dict[Any, Any] = {**fields, b"entry": entry_id, b"why": why[:200]}
        log.error("entry moved to the dead-letter stream", entry=entry_id, why=why)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(gate.keys.dead, dead, maxlen=DEAD_MAX, approximate=True)
            pipeline.xack(gate.keys.orders, CONSUMER_GROUP, entry_id)
            pipeline.xdel(gate.keys.orders, entry_id)
            await pipeline.execute()


async def make_group(redis: Redis, orders: str) -> None:
    """Make a stream and its consumer group unless they exist; delete idle consumers."""
    try:
        await redis.xgroup_create(orders, CONSUMER_GROUP, "0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    for consumer in await redis.xinfo_consumers(orders, CONSUMER_GROUP):
        if consumer["pending"] == 0 and consumer["idle"] > CONSUMER_IDLE_MS:
            await redis.xgroup_delconsumer(orders, CONSUMER_GROUP, consumer["name"])


def _streams(
    reply: object,
) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Read XREADGROUP's reply in RESP2 (pairs) and RESP3 (a map whose values may be nested)."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [
            (name, [entry for part in parts for entry in (part if _nested(part) else [part])])
            for name, parts in reply.items()
        ]
    assert isinstance(reply, list)
    return [(name, entries) for name, entries in reply]


def _nested(part: object) -> bool:
    return isinstance(part, list) and (not part or isinstance(part[0], (list, tuple)))
