"""The outbox relay: tells the gate, the provider and the world what the record has committed.

Rows of one subject are told once, as the subject is now; rows are deleted after they were told, so
everything is told at least once. One process at a time relays.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import DBAPIError

from commerce.io.outbox.handlers import Telling
from commerce.io.outbox.lock import RelayLock
from commerce.io.record.engine import Clock, Record
from commerce.io.record.loops import stopping
from commerce.io.record.schema import outbox

BATCH_MAX = 1_000  # rows per pass
# How often a relay looks when nobody woke it: for rows whose time has come, and on PostgreSQL for
# what other processes committed.
IDLE_SQLITE_S = 1.0
IDLE_S = 0.2
CONFLATE_S = 0.03  # what is committed within this time is told together
RETRY_MS = 200  # doubled with every attempt
RETRY_MS_MAX = 60_000
BACKOFF_S = 0.2

log = structlog.get_logger()


_DUE = (
    select(outbox.c.id, outbox.c.topic, outbox.c.subject, outbox.c.units, outbox.c.attempts)
    .where(outbox.c.due_at_ms <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(BATCH_MAX)
)


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    id: int
    topic: str
    subject: str
    units: int
    attempts: int


# What is told first: the gate before the rooms, cards before their groups, money last.
Handler = Callable[[Sequence[Message]], Awaitable[Sequence[Message]]]


class Relay:
    """Works off the outbox."""

    def __init__(self, record: Record, redis: Redis, telling: Telling, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._lock = RelayLock(redis)
        self._wake = asyncio.Event()
        self._handlers: dict[str, Handler] = {
            "product": telling.products,
            "restock": telling.restock,
            "release": telling.release,
            "pin": telling.pins,
            "group": telling.groups,
            "stock": telling.stock,
            "order": telling.orders,
            "refund": telling.refunds,
        }

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        idle_s = IDLE_SQLITE_S if self._record.is_sqlite else IDLE_S
        try:
            while not stopping():
                try:
                    async with asyncio.timeout(idle_s):
                        await self._wake.wait()
                        await asyncio.sleep(CONFLATE_S)
                except TimeoutError:
                    pass
                self._wake.clear()
                try:
                    if await self._lock.mine():
                        if await self.step():
                            self.wake()  # telling may have written rows, and there may be more
                except (RedisError, DBAPIError, OSError) as error:
                    log.warning("relay pauses", error=type(error).__name__)
                    await asyncio.sleep(BACKOFF_S)
        finally:
            await self._lock.release()

    async def step(self) -> int:
        """One pass: tell what is due; return how many rows there were."""
        async with self._record.read() as connection:
            rows = await connection.execute(_DUE, {"now": self._clock()})
            messages = [Message(*row) for row in rows]
        if not messages:
            return 0
        told: list[int] = []
        later: list[Message] = []
        for topic, handler in self._handlers.items():
            mine = [message for message in messages if message.topic == topic]
            if not mine:
                continue
            failed = await self._try(topic, handler, mine)
            failed_ids = {message.id for message in failed}
            told += [message.id for message in mine if message.id not in failed_ids]
            later += failed
        await self._mark(told, later)
        return len(messages)

    async def _try(
        self, topic: str, handler: Handler, messages: Sequence[Message]
    ) -> Sequence[Message]:
        try:
            return await handler(messages)
        except Exception as error:
            # Whoever is told may fail in any way; what was committed must still be told later.
            log.warning("telling failed", topic=topic, error=repr(error)[:200])
            if len(messages) == 1 or isinstance(error, (RedisError, DBAPIError, OSError)):
                return messages
        # One message that cannot be told must not hold up the others.
        failed: list[Message] = []
        for message in messages:
            failed += await self._try(topic, handler, [message])
        return failed

    async def _mark(self, told: Sequence[int], later: Sequence[Message]) -> None:
        at_ms = self._clock()
        async with self._record.write(durable=False) as connection:
            if told:
                await connection.execute(
                    delete(outbox).where(outbox.c.id == bindparam("i")),
                    [{"i": id} for id in told],
                )
            if later:
                await connection.execute(
                    update(outbox)
                    .where(outbox.c.id == bindparam("i"))
                    .values(attempts=outbox.c.attempts + 1, due_at_ms=bindparam("due")),
                    [
                        {
                            "i": message.id,
                            "due": at_ms + min(RETRY_MS << min(message.attempts, 16), RETRY_MS_MAX),
                        }
                        for message in later
                    ],
                )
