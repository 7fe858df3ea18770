"""The outbox relay: delivers to gate, payment provider and feed what the record has committed.

Rows of one subject are delivered once, as the subject is now; rows are deleted after delivery, so
each is delivered at least once. One worker at a time relays.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from commerce.io.outbox.handlers import HANDLERS, Handler, Outlets
from commerce.io.outbox.lock import OutboxLock
from commerce.io.outbox.message import Message
from commerce.io.record.postings import Topic
from commerce.io.record.schema import outbox
from commerce.io.record.shutdown import stopping
from commerce.spans import Spans, no_spans

BATCH_MAX = 1_000  # rows per pass
# How often a relay looks when nothing woke it: whether others have committed something, and whether
# the time of a row has come.
IDLE_SQLITE_S = 1.0
IDLE_S = 0.2
CONFLATE_S = 0.03  # what is committed within this time is delivered together
RETRY_MS = 200  # doubled with every attempt
RETRY_MS_MAX = 60_000
BACKOFF_S = 0.2
ORDER_TOPICS = frozenset({Topic.ORDER, Topic.REFUND, Topic.RELEASE})

log = structlog.get_logger()


_DUE = (
    select(
        outbox.c.id,
        outbox.c.topic,
        outbox.c.subject,
        outbox.c.units,
        outbox.c.attempts,
        outbox.c.enqueued_at_ms,
    )
    # A row whose topic only a newer version knows is left to a worker of that version.
    .where(outbox.c.due_at_ms <= bindparam("now"), outbox.c.topic.in_([*Topic]))
    .order_by(outbox.c.id)
    .limit(BATCH_MAX)
)
_NEXT = select(func.min(outbox.c.due_at_ms)).where(outbox.c.topic.in_([*Topic]))


class OutboxRelay:
    """Works off the outbox; `wake` is set when something was committed."""

    def __init__(
        self,
        redis: Redis,
        outlets: Outlets,
        wake: asyncio.Event,
        handlers: Mapping[Topic, Handler] = HANDLERS,
        spans: Spans = no_spans,
    ) -> None:
        self._record = outlets.shop.record
        self._clock = outlets.shop.clock
        self._lock = OutboxLock(redis)
        self._outlets = outlets
        self._wake = wake
        self._handlers = handlers
        self._spans = spans
        self._empty_at = ""  # the record's version in which nothing was due
        self._empty_until_ms = 0

    async def run(self) -> None:
        """Relay until cancelled."""
        idle_s = IDLE_SQLITE_S if self._record.is_sqlite else IDLE_S
        try:
            while not stopping():
                woken = await self._woken(idle_s)
                try:
                    if (woken or await self._may_have_more()) and await self._lock.acquire():
                        if await self.step():
                            self._wake.set()  # handlers may have added rows; there may be more
                except (RedisError, DBAPIError, OSError) as error:
                    log.warning("outbox relay unavailable", error=type(error).__name__)
                    await asyncio.sleep(BACKOFF_S)
        finally:
            await self._lock.release()

    async def _woken(self, idle_s: float) -> bool:
        """Wait until something is committed here, at most so long; whether it was."""
        try:
            async with asyncio.timeout(idle_s):
                await self._wake.wait()
                await asyncio.sleep(CONFLATE_S)
        except TimeoutError:
            pass
        woken = self._wake.is_set()
        self._wake.clear()
        return woken

    async def _may_have_more(self) -> bool:
        version = await self._record.version.read()
        return version != self._empty_at or self._clock() >= self._empty_until_ms

    async def step(self) -> int:
        """One pass: deliver what is due; return how many rows there were."""
        now = self._clock()
        version = await self._record.version.read()
        messages, later_ms = await self._record.query(lambda connection: _due(connection, now))
        if not messages:
            self._empty_at, self._empty_until_ms = version, later_ms
            return 0
        delivered: list[int] = []
        later: list[Message] = []
        for topic, handler in self._handlers.items():
            mine = [message for message in messages if message.topic is topic]
            if not mine:
                continue
            # Only these topics' subjects are orders.
            traced = [message.subject for message in mine] if topic in ORDER_TOPICS else ()
            with self._spans(f"order.outbox.{topic}", traced):
                failed = await self._deliver(handler, mine)
            failed_ids = {message.id for message in failed}
            delivered += [message.id for message in mine if message.id not in failed_ids]
            later += failed
        await self._mark(delivered, later)
        return len(messages)

    async def _deliver(self, handler: Handler, messages: Sequence[Message]) -> Sequence[Message]:
        try:
            return await handler(self._outlets, messages)
        except Exception as error:
            # A feed may fail in any way; what was committed must still be delivered later.
            topic = messages[0].topic.value
            log.warning("delivery failed", topic=topic, error=repr(error)[:200])
            if len(messages) == 1 or isinstance(error, (RedisError, DBAPIError, OSError)):
                return messages
        # One message that cannot be delivered must not hold up the others.
        failed: list[Message] = []
        for message in messages:
            failed += await self._deliver(handler, [message])
        return failed

    async def _mark(self, delivered: Sequence[int], later: Sequence[Message]) -> None:
        at_ms = self._clock()

        def mark(connection: Connection) -> None:
            if delivered:
                connection.execute(
                    delete(outbox).where(outbox.c.id == bindparam("i")),
                    [{"i": id} for id in delivered],
                )
            if later:
                connection.execute(
                    update(outbox)
                    .where(outbox.c.id == bindparam("i"))
                    .values(
                        attempts=outbox.c.attempts + bindparam("tries"), due_at_ms=bindparam("due")
                    ),
                    [_postponed(message, at_ms) for message in later],
                )

        await self._record.transact(mark, durable=False)


def _postponed(message: Message, at_ms: int) -> dict[str, int]:
    if message.due_at_ms is not None:
        return {"i": message.id, "tries": 0, "due": message.due_at_ms}
    wait_ms = min(RETRY_MS << min(message.attempts, 16), RETRY_MS_MAX)
    return {"i": message.id, "tries": 1, "due": at_ms + wait_ms}


def _due(connection: Connection, now: int) -> tuple[list[Message], int]:
    """Return what is due; if that is nothing, when something will be."""
    messages = [
        Message(id, Topic(topic), subject, units, attempts, enqueued_at_ms)
        for id, topic, subject, units, attempts, enqueued_at_ms in connection.execute(
            _DUE, {"now": now}
        )
    ]
    if messages:
        return messages, now
    return [], connection.scalar(_NEXT) or now + RETRY_MS_MAX
