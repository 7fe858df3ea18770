"""Commerce put together: one object per process that the server builds, runs and asks."""

import asyncio
import secrets
from collections.abc import Callable

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.feed import Feed
from commerce.groups.group import EXPIRY_GRACE_MS
from commerce.io.gate.rebuild import Rebuild
from commerce.io.gate.reconcile import Reconcile
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.answers import Answers
from commerce.io.ledger.consumer import Ledger, Probe
from commerce.io.metrics import CommerceMetrics
from commerce.io.outbox.handlers import Telling
from commerce.io.outbox.relay import Relay
from commerce.io.payments.sandbox import SandboxPayments
from commerce.io.record.engine import Clock, Record, wall_clock
from commerce.io.record.loops import stopping
from commerce.io.shop.directory import Directory
from commerce.io.shop.fulfilment import Fulfilment
from commerce.io.shop.groups import Groups
from commerce.io.shop.orders import Orders
from commerce.money.payments import Payments

EXPIRY_EVERY_S = 1.0
ID_BYTES = 10

assert EXPIRY_GRACE_MS >= EXPIRY_EVERY_S * 1_000


def new_id() -> str:
    """An id for a guest or a group: 80 random bits."""
    return secrets.token_hex(ID_BYTES)


class Commerce:
    """Everything that sells. `start` once, `run` beside the requests, cancel `run` to stop."""

    def __init__(
        self,
        engine: AsyncEngine,
        redis: Redis,
        feed: Feed,
        *,
        payments: Payments | None = None,
        clock: Clock = wall_clock,
        make_id: Callable[[], str] = new_id,
        random_bits: Callable[[int], int] = secrets.randbits,
        probe: Probe = lambda step: None,
    ) -> None:
        node = secrets.token_hex(8)
        self.record = Record(engine)
        self.payments = payments or SandboxPayments(self.record)
        self.gate = RedisGate(redis)
        self.directory = Directory(self.record, clock, make_id)
        self.answers = Answers()
        self._redis = redis
        self.rebuild = Rebuild(self.record, redis, clock)
        self.reconcile = Reconcile(self.record, self.gate, self.rebuild, clock)
        self.metrics = CommerceMetrics(self.record, redis, self.reconcile, clock)
        self.relay = Relay(
            self.record,
            redis,
            Telling(self.record, self.gate, self.payments, feed, self.directory, clock),
            clock,
        )
        self.ledger = Ledger(
            self.record,
            redis,
            self.gate,
            self.payments,
            self.answers,
            node=node,
            directory=self.directory,
            on_commit=self.relay.wake,
            probe=probe,
        )
        self.orders = Orders(
            self.record,
            self.gate,
            self.answers,
            self.directory,
            clock=clock,
            node=node,
            on_closed=self.reconcile.closed,
        )
        self.groups = Groups(
            self.record,
            self.gate,
            self.directory,
            clock=clock,
            new_id=make_id,
            on_commit=self.relay.wake,
        )
        self.fulfilment = Fulfilment(
            self.record,
            self.directory,
            clock=clock,
            random_bits=random_bits,
            on_commit=self.relay.wake,
        )

    async def start(self) -> None:
        """Read the catalogue and open the gate; the record must be upgraded."""
        await self.directory.refresh()
        await self.ledger.make_group()
        await self.rebuild.ensure()

    async def run(self) -> None:
        """Do all work behind the requests, until cancelled. Several processes may run at once."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gate.run(), name="commerce gate")
            tasks.create_task(self.answers.run(self._redis), name="commerce answers")
            tasks.create_task(self.ledger.run(), name="commerce ledger")
            tasks.create_task(self.relay.run(), name="commerce relay")
            tasks.create_task(self.reconcile.run(), name="commerce reconcile")
            tasks.create_task(self.directory.run(), name="commerce directory")
            tasks.create_task(self._end_groups(), name="commerce groups")

    async def _end_groups(self) -> None:
        while not stopping():
            await asyncio.sleep(EXPIRY_EVERY_S)
            await self.groups.step()
