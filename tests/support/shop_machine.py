"""A state machine of a whole shop: taps, declines, crashes, lost answers, data loss, time jumps.

After every step the record is sound; when all is quiet the gate agrees with it, and no order that
was confirmed to a buyer is lost.
"""

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import text

from commerce.errors import AlreadyHandedOver, CommerceError, Refusal, Refused
from commerce.groups.group import EXPIRY_GRACE_MS
from commerce.io.audit import audit, audit_gate
from commerce.io.payments.sandbox import Fault, SandboxPayments
from commerce.io.shop.orders import RequestedLine
from commerce.orders.states import OrderState
from commerce.views import OrderView
from server.redis_client import open_redis
from tests.support.commerce_shop import Shop, open_shop, shop_plan, with_dinner
from tests.support.gate_keys import GATE

T = TypeVar("T")
UNITS = 6
TARGET = 2
GUESTS = st.sampled_from(["anna", "bo", "cai", "dora"])
KEYS = st.sampled_from(["key-0001", "key-0002", "key-0003"])
# One item, a set of two teas and a pear, or several lines of which some share an item.
BASKETS = st.sampled_from(
    [
        ("tea",),
        ("pear",),
        ("dinner",),
        ("dinner", "tea"),
        ("tea", "pear"),
        ("pear", "dinner", "tea"),
    ]
)
MINUTE_MS = 60_000


class Killed(BaseException):
    """The worker is dead."""


class ShopMachine(RuleBasedStateMachine):
    """One shop on SQLite and Valkey; its worker may die at any step."""

    redis_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="lnl")
        self.url = f"sqlite+aiosqlite:///{Path(self.folder.name)}/linli.sqlite3"
        self.faults: dict[str, Fault] = {}
        self.die_at = ""
        self.confirmed: dict[str, tuple[str, str]] = {}
        self.ahead_ms = 0
        self.do(self._flush())
        self.open()

    def do(self, work: Awaitable[T]) -> T:
        """Run something to its end."""

        async def whole() -> T:
            return await work

        return self.runner.run(whole())

    async def _flush(self) -> None:
        async with open_redis(self.redis_url) as redis:
            await redis.flushall()

    def open(self) -> None:
        """Start a worker."""
        self.stack = contextlib.AsyncExitStack()
        self.shop = self.do(self._open())

    async def _open(self) -> Shop:
        shop = await self.stack.enter_async_context(
            open_shop(
                self.url,
                self.redis_url,
                plan=with_dinner(
                    shop_plan(UNITS, target=TARGET, duration_s=600), group_target=TARGET
                ),
                probe=self._probe,
            )
        )
        shop.clock.ahead_ms = self.ahead_ms
        assert isinstance(shop.commerce.payments, SandboxPayments)
        shop.commerce.payments.fault = self._fault
        self.gate = asyncio.create_task(shop.commerce.gates.run())
        return shop

    def _probe(self, step: str) -> None:
        if step == self.die_at:
            self.die_at = ""
            raise Killed

    def _fault(self, call: str, order_id: str) -> Fault:
        return self.faults.pop(call, Fault.NONE)

    async def _close(self) -> None:
        self.gate.cancel()
        await asyncio.wait([self.gate])
        await self.stack.aclose()

    @rule(
        guest=GUESTS,
        key=KEYS,
        product=BASKETS,
        units=st.integers(1, 2),
        charge=st.sampled_from([*Fault, Fault.NONE, Fault.NONE]),
    )
    def buy(
        self, guest: str, key: str, product: tuple[str, ...], units: int, charge: Fault
    ) -> None:
        """A tap that the ledger takes at once, with whatever the provider says."""
        self.faults["charge"] = charge
        self.tap(guest, key, product, units)
        self._ledger()

    @rule(guest=GUESTS, key=KEYS, product=BASKETS, units=st.integers(1, 2))
    def tap_only(self, guest: str, key: str, product: tuple[str, ...], units: int) -> None:
        """A tap that waits in the stream."""
        self.tap(guest, key, product, units)

    def tap(self, guest: str, key: str, product: tuple[str, ...], units: int) -> None:
        """A tap; it may be answered at once, later, or refused."""
        first, *rest = product
        request = dataclasses.replace(
            self.shop.tap(guest, first, key=key, quantity=units),
            further=tuple(RequestedLine(further, 1) for further in rest),
        )
        try:
            answer = self.do(self.shop.commerce.orders.place(request, wait_s=0.02))
        except Refused as refused:
            if (guest, key) in {(g, k) for g, k in self.confirmed.values()}:
                # A later refusal of a key that was confirmed can only be about another body,
                # or an order that was refused by the ledger and paid back.
                assert refused.refusal is Refusal.KEY_REUSED
            return
        except CommerceError:
            return
        if isinstance(answer, OrderView):
            self.confirmed[answer.id] = (guest, key)

    @rule(product=st.sampled_from(["pear", "dinner"]))
    def pin(self, product: str) -> None:
        """The host pins pears, or a set."""
        self.do(self.shop.commerce.groups.pin("demo", product, None))

    @rule()
    def ledger(self) -> None:
        """The ledger takes a batch."""
        self._ledger()

    def _ledger(self) -> None:
        try:
            self.do(self.shop.commerce.ledger.step())
        except Killed:
            self.restart()

    @rule(step=st.sampled_from(["read", "charged", "committed", "settled"]))
    def dying_ledger(self, step: str) -> None:
        """The ledger takes a batch and is killed in it."""
        self.die_at = step
        self._ledger()
        self.die_at = ""

    @rule()
    def redeliver(self) -> None:
        """Unsettled entries are claimed."""
        self.do(self.shop.commerce.ledger.claim(0))

    @rule()
    def relay(self) -> None:
        """The outbox is delivered."""
        self.do(self.shop.commerce.relay.step())

    @rule(fault=st.sampled_from([Fault.LOST, Fault.MUTE]))
    def refund_fails(self, fault: Fault) -> None:
        """The provider will fail once."""
        self.faults["refund"] = fault

    @rule(minutes=st.sampled_from([1, 5, 11]))
    def wait(self, minutes: int) -> None:
        """Time passes, groups end, overdue holds are looked at."""
        self.ahead_ms += minutes * MINUTE_MS + EXPIRY_GRACE_MS
        self.shop.clock.ahead_ms = self.ahead_ms
        self.do(self.shop.commerce.groups.step())
        self.do(self.shop.commerce.gates.sweep(self.shop.clock()))

    @rule()
    def restart(self) -> None:
        """The worker dies and another starts."""
        self.do(self._close())
        self.open()

    @rule()
    def redis_loses_everything(self) -> None:
        """Redis loses everything."""
        self.do(self.shop.redis.flushall())
        self.do(self.shop.commerce.reconcile.step(compare=False))

    @rule(
        to=st.sampled_from([OrderState.PICKING, OrderState.PACKED, OrderState.READY]),
        cancel=st.booleans(),
    )
    def clerk(self, to: OrderState, cancel: bool) -> None:
        """A clerk moves whatever can be moved, or cancels it; what is ready is fetched."""
        fulfilment = self.shop.commerce.fulfilment
        for order in self.do(fulfilment.board("s1")).orders:
            with contextlib.suppress(CommerceError):
                self.do(fulfilment.move(order.id, OrderState.CANCELLED if cancel else to, "clerk"))
        for guest in ("anna", "bo"):
            for mine in self.do(self.shop.commerce.orders.mine(guest)):
                if mine.pickup:
                    # One code gives out all that is ready of a household.
                    with contextlib.suppress(AlreadyHandedOver):
                        self.do(fulfilment.hand_over("s1", mine.pickup.code, "clerk"))

    @invariant()
    def the_record_is_sound(self) -> None:
        """Always."""
        assert self.do(audit(self.shop.engine)) == []

    def teardown(self) -> None:
        """Once at rest, gate and record agree and no confirmed order is lost."""
        try:
            self.die_at, self.faults = "", {}
            self.do(self._rest())
            assert self.do(audit(self.shop.engine)) == []
            assert self.do(audit_gate(self.shop.engine, self.shop.redis)) == []
            for order_id, (guest, _) in self.confirmed.items():
                mine = self.do(self.shop.commerce.orders.mine(guest))
                assert order_id in [order.id for order in mine]
        finally:
            self.do(self._close())
            self.runner.close()
            self.folder.cleanup()

    async def _rest(self) -> None:
        commerce = self.shop.commerce
        for _ in range(50):
            await commerce.ledger.claim(0)
            await commerce.ledger.step()
            self.shop.clock.ahead_ms += MINUTE_MS
            await commerce.relay.step()
            async with commerce.record.read() as connection:
                waiting = await connection.scalar(text("SELECT COUNT(*) FROM outbox"))
            if not waiting and not await self.shop.redis.xlen(GATE.orders):
                break
        await commerce.gates.sweep(self.shop.clock())
        await commerce.gates.sweep(self.shop.clock())
        found = await commerce.reconcile.compare()
        assert found.behind == 0
        assert found.drift == 0
