"""Taps of this worker that wait for a gate: they leave together, those of all brands."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.errors import Refusal, TryAgain
from commerce.io.gate.scripts import ADMIT, call_many
from commerce.io.record.shutdown import stopping
from commerce.orders.tap import Decision, Status

PIPELINE_MAX = 256  # taps per round trip
WAITING_MAX = 10_000  # taps of this worker that wait for the gate


class TapQueue:
    """Sends taps in pipelines of one script call each. `run` must run for `decide` to return."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[tuple[list[Any], asyncio.Future[Decision]]] = []
        self._wake = asyncio.Event()

    async def decide(self, call: list[Any]) -> Decision:
        """Send one call of the admit script and return what it says.

        Raises:
            TryAgain: Redis cannot be asked, or too many taps wait.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise TryAgain("too many taps wait for the gate")
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Send waiting taps, as many at a time as there are, until cancelled."""
        try:
            while not stopping():
                await self._wake.wait()
                batch, self._waiting = (
                    self._waiting[:PIPELINE_MAX],
                    self._waiting[PIPELINE_MAX:],
                )
                if not self._waiting:
                    self._wake.clear()
                try:
                    replies = await call_many(self._redis, ADMIT, [call for call, _ in batch])
                except (RedisError, OSError) as error:
                    replies = [TryAgain(type(error).__name__)] * len(batch)
                except asyncio.CancelledError:
                    self._waiting = batch + self._waiting
                    raise
                for (_, future), reply in zip(batch, replies, strict=True):
                    _answer(future, reply)
        finally:
            for _, future in self._waiting:
                _answer(future, TryAgain("the gate is closing"))
            self._waiting.clear()


def _answer(future: asyncio.Future[Decision], reply: Any) -> None:
    if future.done():  # the buyer went away
        return
    if isinstance(reply, TryAgain):
        future.set_exception(reply)
    elif isinstance(reply, Exception):
        future.set_exception(TryAgain(type(reply).__name__))
    else:
        future.set_result(read_admission(reply))


def read_admission(reply: Sequence[bytes]) -> Decision:
    """Return what the admit script has answered."""
    parts = [part.decode() for part in reply]
    status = Status(parts[0])
    match status:
        case Status.ADMITTED:
            return Decision(
                status,
                store_id=parts[1],
                price_fen=int(parts[2]),
                group_id=parts[3],
                slot=parts[4],
            )
        case Status.REFUSED:
            return Decision(status, Refusal(parts[1]), int(parts[2]), product_id=parts[3])
        case Status.OTHER_GROUP:
            return Decision(status, group_id=parts[1])
        case _:
            return Decision(status)
