"""Answers to taps: from the ledger to the worker that waits for them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.errors import Refusal
from commerce.groups.group import Group
from commerce.io.gate.keys import ANSWERS
from commerce.io.record.shutdown import stopping
from commerce.orders.order import OrderRow

RECONNECT_S = 0.2
POLL_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a tap, after the commit; with the order's group, if the batch touched it."""

    order: OrderRow
    refusal: Refusal | None
    group: Group | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Answer])


def encode(answers: Sequence[Answer]) -> bytes:
    """Return the message for other workers; empty if there are none."""
    return _encoder.encode(list(answers)) if answers else b""


class Answers:
    """Taps of this worker that wait for their answer, by order id."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Answer]]] = {}

    @contextmanager
    def expect(self, order_id: str) -> Iterator[asyncio.Future[Answer]]:
        """A future that is set when the order's answer comes; register before the tap is sent."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        futures = self._waiting.setdefault(order_id, [])
        futures.append(future)
        try:
            yield future
        finally:
            futures.remove(future)
            if not futures and self._waiting.get(order_id) is futures:
                del self._waiting[order_id]

    def resolve(self, answers: Sequence[Answer]) -> None:
        """Set the futures of this worker that wait for one of `answers`."""
        for answer in answers:
            for future in self._waiting.get(answer.order.id, ()):
                if not future.done():
                    future.set_result(answer)

    async def run(self, redis: Redis) -> None:
        """Subscribe to the answers of other workers until cancelled."""
        while not stopping():
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(ANSWERS)
                    while not stopping():
                        message = await pubsub.get_message(timeout=POLL_S)
                        if message is not None:
                            self.resolve(_decoder.decode(message["data"]))
            except (RedisError, OSError, msgspec.MsgspecError) as error:
                log.warning("answers unavailable", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)
