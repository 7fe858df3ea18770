"""Workers that die after so many effects, and the stories of buyers that outlive them.

An effect is what a worker leaves outside itself: a transaction of the record (the payment
provider's books among them), or a call of Redis that is not merely a look. A worker that is killed
after its n-th effect does nothing more, not even what its `finally` blocks want to do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from commerce.errors import Refused, TryAgain
from commerce.io.outbox.handlers import ACTIVITY_EVERY_MS
from commerce.io.record.engine import Record
from commerce.io.shop.orders import OrderRequest
from commerce.io.shop.sealing import Sealer
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, TestClock, open_shop, shop_plan
from tests.support.gate_keys import GATE

SEALER = Sealer("the secret of this installation", "totp")
LOOKS = {"GET", "MGET", "HGET", "HMGET", "HGETALL", "XLEN", "XINFO CONSUMERS", "TTL", "SCAN"}
ENDLESS = 1_000_000

Story = Callable[[Shop], Awaitable[None]]


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


class Lifetime:
    """Counts a worker's effects, and ends with the last one that it has left."""

    def __init__(self, effects: int) -> None:
        self._left = effects
        self.effects: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether the worker is dead."""
        return len(self.effects) >= self._left

    def begin(self, shop: Shop) -> None:
        """Count the effects of this shop's worker from now on."""
        _watch_record(shop.commerce.record, self)
        _watch_redis(shop.redis, self)

    def check(self) -> None:
        """A dead worker does nothing."""
        if self.is_over:
            raise Killed

    def count(self, what: str) -> None:
        """Something was done that the next worker finds."""
        self.effects.append(what)
        self.check()


def _watch_record(record: Record, life: Lifetime) -> None:
    write, transact = record.write, record.transact

    @asynccontextmanager
    async def watched_write(**options: Any) -> AsyncIterator[Any]:
        life.check()
        async with write(**options) as connection:
            yield connection
        life.count("transaction")

    async def watched_transact(work: Any, **options: Any) -> Any:
        life.check()
        result = await transact(work, **options)
        life.count(f"transaction {work.__qualname__}")
        return result

    record.write = watched_write  # type: ignore[method-assign]
    record.transact = watched_transact  # type: ignore[method-assign]


def _watch_redis(redis: Redis, life: Lifetime) -> None:
    execute: Any = redis.execute_command
    make_pipeline: Any = redis.pipeline

    async def watched_execute(*command: Any, **options: Any) -> Any:
        life.check()
        reply = await execute(*command, **options)
        if command[0] not in LOOKS:
            life.count(str(command[0]))
        return reply

    def watched_pipeline(*arguments: Any, **options: Any) -> Any:
        pipeline = make_pipeline(*arguments, **options)
        run = pipeline.execute

        async def watched_run(*arguments: Any, **options: Any) -> Any:
            life.check()
            replies = await run(*arguments, **options)
            life.count("pipeline")
            return replies

        pipeline.execute = watched_run
        return pipeline

    redis.execute_command = watched_execute  # type: ignore[method-assign]
    redis.pipeline = watched_pipeline  # type: ignore[method-assign]


async def live(
    database_url: str, redis_url: str, story: Story, effects: int, clock: TestClock
) -> Lifetime:
    """Have a new worker play a story, until it ends or the worker's effects are used up."""
    life = Lifetime(effects)
    plan = shop_plan(units=9, target=2)
    async with open_shop(database_url, redis_url, plan=plan, clock=clock, sealer=SEALER) as shop:
        life.begin(shop)
        gate = asyncio.create_task(shop.commerce.gates.run())
        played = asyncio.ensure_future(story(shop))
        await asyncio.wait((gate, played), return_when=asyncio.FIRST_COMPLETED)
        for task in (gate, played):
            task.cancel()
        gone, end = await asyncio.gather(gate, played, return_exceptions=True)
    if not life.is_over:
        if end is not None:
            raise end
        assert isinstance(gone, asyncio.CancelledError)
    return life


async def work_off(shop: Shop) -> None:
    """Post all that waits in the stream, also a dead worker's, and deliver what was committed."""
    commerce = shop.commerce
    await commerce.ledger.claim(0)
    while await shop.redis.xlen(GATE.orders):
        await commerce.ledger.step()
    for _ in range(2):  # what is shown at a pace is due a moment later
        while await commerce.relay.step():
            pass
        shop.clock.ahead_ms += ACTIVITY_EVERY_MS


async def buy(shop: Shop, tap: OrderRequest) -> OrderView | None:
    """Buy as pages do, again with the same key; None if the shop refuses."""
    while True:
        try:
            placed = await shop.commerce.orders.place(tap, wait_s=0)
        except TryAgain:  # it has no time to learn which group is open
            continue
        except Refused:
            return None
        if isinstance(placed, OrderView):
            return placed
        await work_off(shop)


async def cancel(shop: Shop, order_id: str) -> None:
    """Cancel an order at the store, unless that was done."""
    order = await shop.commerce.orders.get(order_id)
    if order.state is not OrderState.CANCELLED:
        await shop.commerce.fulfilment.move(order_id, OrderState.CANCELLED, "clerk")
    await work_off(shop)
