"""An evening of many shops in virtual time: taps, packers, buyers, leaders, faults and kills.

Time goes in ticks. In each of them buyers tap, the ledger and the outbox do a step, packers that
are free take the oldest order of their store, and buyers and leaders collect what is ready. The
provider loses questions and answers and declines, and the worker dies between steps.
"""

import asyncio
import contextlib
import dataclasses
import gc
import heapq
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from unittest.mock import patch

import segno
from sqlalchemy import text as sql

from commerce.after_sales.claims import Fault as GoodsFault
from commerce.errors import CommerceError, TryAgain
from commerce.io.payments.sandbox import Fault, SandboxPayments
from commerce.io.shop.after_sales.values import NewClaim
from commerce.io.shop.books.books import bounds_of
from commerce.io.shop.orders import OrderRequest
from commerce.io.shop.stock.keeping import Delivery, StockChange
from commerce.leaders.scans import Scan, ScanHow
from commerce.money.bills import BillKind, BillLine, write_bill
from commerce.money.providers import EventKind, ProviderEvent
from commerce.orders.promise import Fulfilment
from commerce.orders.states import ENDED_VALUES, OrderState
from server.redis_client import open_redis
from tests.support.commerce_shop import Shop, open_shop
from tests.support.evening_plan import HOUR_MS, MINUTE_MS, SECOND_MS, Size, VirtualClock, plan_of
from tests.support.gate_keys import GATE
from tests.support.inline_sqlite import inline_sqlite
from tests.support.payment_provider import MemoryProvider

UNIT_COST_FEN = 310
NO_QR = segno.make("nobody looks at it")  # a tenth of the CPU time goes into codes otherwise
COLLECT_AFTER = 100_000  # objects
TRIES = 3  # of a tap whose gate learns of a group or a price


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage a hundred times more rarely."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Killed(BaseException):
    """The worker is dead."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class _Tap:
    at_ms: int
    shop: int
    guest: str
    product: str
    units: int
    delivery: bool


class Evening:
    """The evening; `play` it, then look at what it left."""

    def __init__(self, size: Size, database_url: str, redis_url: str) -> None:
        self.size = size
        self.clock = VirtualClock()
        self.refused: Counter[str] = Counter()
        self._urls = database_url, redis_url
        self._random = random.Random(size.seed)
        self._die_at = ""
        self._free = {f"s{n}": size.packers for n in range(size.shops)}
        # What somebody has planned: (time, number, what, order, store).
        self._plans: list[tuple[int, int, str, str, str]] = []
        self._planned = 0
        self._scans = 0
        self._seen: set[str] = set()
        self.provider = MemoryProvider() if size.pays_later else None
        self.shop: Shop

    @contextlib.asynccontextmanager
    async def played(self) -> AsyncIterator["Evening"]:
        """Play it to its end, and keep its worker open."""
        async with open_redis(self._urls[1]) as redis:
            await redis.flushall()
        self._stack = contextlib.AsyncExitStack()
        with inline_sqlite(), patch.object(segno, "make", return_value=NO_QR), rare_collections():
            try:
                await self._open()
                await self._stock_up()
                await self._play()
                yield self
            finally:
                await self._stack.aclose()

    async def _open(self) -> None:
        shop = open_shop(
            *self._urls,
            plan=plan_of(self.size),
            clock=self.clock,
            probe=self._probe,
            provider=self.provider,
        )
        self.shop = await self._stack.enter_async_context(shop)
        if isinstance(self.shop.commerce.payments, SandboxPayments):
            self.shop.commerce.payments.fault = self._fault
        gate = asyncio.create_task(self.shop.commerce.gates.run())
        self._stack.push_async_callback(asyncio.wait, [gate])
        self._stack.callback(gate.cancel)

    async def _restart(self) -> None:
        """The worker died; another starts, and takes what it had not finished."""
        await self._stack.aclose()
        await self._open()
        await self._step(self.shop.commerce.ledger.claim(0))

    def _probe(self, step: str) -> None:
        if step == self._die_at:
            self._die_at = ""
            raise Killed

    def _fault(self, call: str, _order_id: str) -> Fault:
        if self._random.random() >= self.size.fault_share:
            return Fault.NONE
        # A provider may decline a buyer's payment; a refund it has to make.
        lost = [Fault.LOST, Fault.MUTE]
        return self._random.choice([*lost, Fault.DECLINE] if call == "charge" else lost)

    async def _stock_up(self) -> None:
        commerce = self.shop.commerce
        units = 3 * (self.size.singles + 3 * self.size.sets)
        for n in range(self.size.shops):
            for item in ("tea", "pear"):
                change = StockChange(f"s{n}", item, "u1", f"lorry-{n}-{item}")
                await commerce.stock.receive(change, Delivery(units, None, "farm", UNIT_COST_FEN))
        await commerce.slots.open_windows()
        for n in range(self.size.shops):
            await commerce.groups.pin(f"r{n}", "dinner", None)
        await self._deliver()

    def _taps(self) -> list[_Tap]:
        pick, size = self._random, self.size
        taps = []
        for shop in range(size.shops):
            for n in range(size.sets + size.singles):
                at_ms = self.clock() + int(pick.random() * size.hours * HOUR_MS)
                is_set = n < size.sets
                units = 1 if is_set else pick.randint(1, 3)
                product = "dinner" if is_set else pick.choice(["tea", "pear"])
                guest = f"guest-{shop}-{n}"
                taps.append(_Tap(at_ms, shop, guest, product, units, pick.random() < 0.1))
        return sorted(taps)

    async def _play(self) -> None:
        taps = self._taps()
        begins_ms, ends_ms = self.clock(), self.clock() + int(self.size.hours * HOUR_MS)
        span = ends_ms - begins_ms
        deaths = [begins_ms + int(self._random.random() * span) for _ in range(self.size.kills)]
        while self.clock() < ends_ms + 2 * HOUR_MS:
            self.clock.now_ms += self.size.tick_s * SECOND_MS
            now = self.clock()
            due = [tap for tap in taps if tap.at_ms <= now]
            taps = taps[len(due) :]
            if deaths and deaths[0] <= now:
                deaths = deaths[1:]
                self._die_at = self._random.choice(["read", "charged", "committed", "settled"])
            await self._tap(due)
            await self._step(self.shop.commerce.ledger.step())
            await self._pay()
            await self._deliver()
            await self._pack()
            await self._carry_out()
            if now // MINUTE_MS % 5 == 0 and now % MINUTE_MS < self.size.tick_s * SECOND_MS:
                await self._keep()
            if not taps and now > ends_ms + 5 * MINUTE_MS and not await self._open_orders():
                break
        await self._close()

    async def _tap(self, due: list[_Tap]) -> None:
        if due:
            # One in 20 taps is sent a second time.
            sent = [tap for tap in due for _ in range(1 + (self._random.random() < 0.05))]
            await asyncio.gather(*(self._place(tap) for tap in sent))

    async def _place(self, tap: _Tap) -> None:
        how = Fulfilment.DELIVERY if tap.delivery else Fulfilment.PICKUP
        request = OrderRequest(
            tap.guest, f"e{tap.shop}", f"r{tap.shop}", tap.product, tap.units,
            f"key-{tap.guest}", fulfilment=how,
        )  # fmt: skip
        for _ in range(TRIES):
            try:
                await self.shop.commerce.orders.place(request, wait_s=0)
            except TryAgain:
                continue
            except CommerceError as error:
                self.refused[str(error)] += 1
            return
        self.refused["try again"] += 1

    async def _step(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]  # a coroutine
        except Killed:
            await self._restart()

    async def _pay(self) -> None:
        """Buyers of new attempts will pay, decline or leave; the provider is away now and then."""
        if self.provider is None:
            return
        calls = ("create", "query", "close", "refund", "query_refund")
        shares = {call: self._random.random() for call in calls}
        self.provider.down = {call for call in calls if shares[call] < self.size.fault_share}
        self.provider.lost = {call for call in calls if shares[call] > 1 - self.size.fault_share}
        await self._step(self.shop.commerce.intents.step())
        for reference in sorted(self.provider.attempts.keys() - self._seen):
            self._seen.add(reference)
            what = self._random.choices(["pays", "declines", ""], [0.85, 0.1, 0.05])[0]
            if what:
                # Most are quick; some pay when the order has expired already.
                in_s = self._random.choice([20, 60, 120, 300, 880, 960])
                self._plan(in_s, what, reference, "")

    async def _do_pays(self, reference: str, _store_id: str) -> None:
        assert self.provider
        await self._report(self.provider.pay(reference))

    async def _do_declines(self, reference: str, _store_id: str) -> None:
        assert self.provider
        await self._report(self.provider.decline(reference))

    async def _report(self, event: ProviderEvent) -> None:
        """A webhook is lost, comes, or comes more than once."""
        assert self.provider
        for _ in range(self._random.choice([0, 1, 1, 1, 2])):
            await self.shop.commerce.intents.take_webhook(*self.provider.webhook(event))

    async def bill(self, brand_id: str, day: str) -> bytes:
        """Return the provider's bill of the day."""
        if self.provider is None:
            sandbox = SandboxPayments(self.shop.commerce.record, clock=self.clock)
            return (await sandbox.bill(brand_id, *bounds_of(day))).encode()
        noon_ms = sum(bounds_of(day)) // 2
        ends = [attempt.end for attempt in self.provider.attempts.values() if attempt.end]
        lines = [
            BillLine(BillKind.CHARGE, end.reference, 0, end.amount_fen, 0, noon_ms)
            for end in ends
            if end.kind is EventKind.PAID
        ]
        lines += [
            BillLine(
                BillKind.REFUND, end.reference, int(name.rpartition("-")[2]), end.amount_fen, 0,
                noon_ms,
            )
            for name, end in self.provider.refunds.items()
        ]  # fmt: skip
        return write_bill(lines).encode()

    async def _deliver(self) -> None:
        """The outbox, until nothing of it is due."""
        for _ in range(50):
            if not await self.shop.commerce.relay.step():
                return

    async def _keep(self) -> None:
        commerce = self.shop.commerce
        await self._step(commerce.ledger.claim(MINUTE_MS))
        await commerce.groups.step()
        await commerce.slots.step()
        await commerce.gates.sweep(self.clock())

    async def _rows(self, query: str) -> list[tuple[str, ...]]:
        async with self.shop.commerce.record.read() as connection:
            return [tuple(row) for row in await connection.execute(sql(query))]

    async def _open_orders(self) -> list[tuple[str, ...]]:
        ended = ", ".join(f"'{state}'" for state in ENDED_VALUES)
        return await self._rows(f"SELECT id, state FROM orders WHERE state NOT IN ({ended})")

    async def _pack(self) -> None:
        waiting = await self._rows(
            "SELECT id, store_id FROM orders WHERE state = 'new' ORDER BY created_at_ms, id"
        )
        for order_id, store_id in waiting:
            if self._free[store_id]:
                self._free[store_id] -= 1
                await self.shop.commerce.fulfilment.move(order_id, OrderState.PICKING, "packer")
                self._plan(self._random.randint(*self.size.packing_s), "packed", order_id, store_id)

    def _plan(self, in_s: float, what: str, order_id: str, store_id: str) -> None:
        self._planned += 1
        at_ms = self.clock() + int(in_s * SECOND_MS)
        heapq.heappush(self._plans, (at_ms, self._planned, what, order_id, store_id))

    async def _carry_out(self) -> None:
        while self._plans and self._plans[0][0] <= self.clock():
            _, _, what, order_id, store_id = heapq.heappop(self._plans)
            await getattr(self, f"_do_{what}")(order_id, store_id)

    async def _do_packed(self, order_id: str, store_id: str) -> None:
        self._free[store_id] += 1
        for to in (OrderState.PACKED, OrderState.READY):
            await self.shop.commerce.fulfilment.move(order_id, to, "packer")
        [(fulfilment,)] = await self._rows(f"SELECT fulfilment FROM orders WHERE id = '{order_id}'")
        delivery = fulfilment == Fulfilment.DELIVERY.value
        comes = self._random.random() < 0.95
        what = "out" if delivery else "collected" if comes else "given_up"
        self._plan(60 * self._random.uniform(5, 60), what, order_id, store_id)

    async def _do_collected(self, order_id: str, store_id: str) -> None:
        code, guest = await self._code(order_id)
        await self.shop.commerce.fulfilment.hand_over(store_id, code, "clerk")
        if self._random.random() < 0.05:
            claim = NewClaim(order_id, 0, 0, 1, GoodsFault.STALE)
            await self.shop.commerce.claims.make(guest, claim)

    async def _do_given_up(self, order_id: str, _store_id: str) -> None:
        await self.shop.commerce.fulfilment.move(order_id, OrderState.RETURNED, "clerk")

    async def _do_out(self, order_id: str, store_id: str) -> None:
        await self.shop.commerce.leaders.walk.go_out(f"e{store_id[1:]}", [order_id], "leader")
        self._plan(60 * self._random.uniform(5, 30), "at_the_door", order_id, store_id)

    async def _do_at_the_door(self, order_id: str, store_id: str) -> None:
        self._scans += 1
        seq, at_ms = self._scans, self.clock()
        scan = Scan("phone", "phone", seq, ScanHow.CODE, at_ms, order_id=order_id)
        await self.shop.commerce.leaders.handover.hand_over(f"e{store_id[1:]}", scan, "leader")

    async def _code(self, order_id: str) -> tuple[str, str]:
        [(code, guest)] = await self._rows(
            "SELECT c.code, o.guest_id FROM pickup_codes c JOIN orders o ON o.id = c.order_id"
            f" WHERE o.id = '{order_id}'"
        )
        return code, guest

    async def _close(self) -> None:
        """Take what the faults left: entries of dead workers, unanswered refunds, late groups."""
        for _ in range(60):
            await self._step(self.shop.commerce.ledger.claim(0))
            await self._step(self.shop.commerce.ledger.step())
            await self._keep()
            await self._pay()
            await self._pack()
            await self._carry_out()
            await self._deliver()
            waiting = await self._rows("SELECT id FROM outbox LIMIT 1")
            stream = await self.shop.redis.xlen(GATE.orders)
            if not waiting and not stream and not await self._open_orders():
                return
            self.clock.now_ms += 2 * MINUTE_MS

    async def ready_after_ms(self) -> list[int]:
        """How long each order took from its tap, or from when its group was complete, to READY."""
        rows = await self._rows(
            "SELECT r.at_ms - COALESCE(g.at_ms, o.created_at_ms) FROM orders o"
            " JOIN order_moves r ON r.order_id = o.id AND r.to_state = 'ready'"
            " LEFT JOIN order_moves g ON g.order_id = o.id AND g.from_state = 'waiting_group'"
            " ORDER BY 1"
        )
        return [int(ms) for (ms,) in rows]
