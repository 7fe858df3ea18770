"""A state machine of one stock that app, till, transfer, write-off and expiry take from at once.

It is the machine of the whole shop (taps, declines, crashes, data loss) with what its staff does.
After every step no lot is below zero, every unit is where its moves say, and the books have for
goods what the lots cost that are there.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from commerce.errors import CommerceError
from commerce.io.shop.stock.keeping import Delivery, StockChange
from commerce.io.shop.stock.receipts import Sent
from commerce.supply.lots import WRITE_OFF_REASONS, LotMoveKind
from commerce.supply.receipts import LineKind, ReceiptLine
from tests.support.commerce_checks import inventory_gap_fen
from tests.support.shop_machine import MINUTE_MS, ShopMachine

ITEMS = st.sampled_from(["tea", "pear"])
STORES = st.sampled_from(["s1", "s2"])
UNITS = st.integers(1, 3)
NUMBERS = st.sampled_from(["r1", "r2", "r3"])


class StockMachine(ShopMachine):
    """The shop, and what happens on its shelf."""

    def __init__(self) -> None:
        self.keys = 0
        super().__init__()
        tills = self.shop.commerce.tills
        self.key = self.do(tills.add("s1", "front", "u1")).key
        self.receipts: dict[tuple[str, int], ReceiptLine] = {}

    def change(self, store_id: str, product_id: str) -> StockChange:
        """A change with a key of its own."""
        self.keys += 1
        return StockChange(store_id, product_id, "u1", f"key-{self.keys:04}")

    async def sell_at_till(self, lines: tuple[ReceiptLine, ...], voids: tuple[str, ...]) -> None:
        """Send receipts."""
        till = await self.shop.commerce.tills.till_of(self.key)
        assert till is not None
        sent = Sent(lines, voids, self.shop.clock())
        await self.shop.commerce.receipts.book(till, sent)

    def line(self, number: str, at: int, item: str, units: int, kind: LineKind) -> ReceiptLine:
        """A line that says the same whenever it is sent."""
        line = ReceiptLine(number, at, kind, "", units, 100, 1, item)
        return self.receipts.setdefault(line.key, line)

    @rule(number=NUMBERS, at=st.integers(1, 2), item=ITEMS, units=UNITS)
    def till_sells(self, number: str, at: int, item: str, units: int) -> None:
        """A line is sent; perhaps one that was sent before."""
        line = self.line(number, at, item, units, LineKind.SALE)
        self.do(self.sell_at_till((line,), ()))

    @rule(
        at=st.integers(1, 3),
        item=ITEMS,
        kind=st.sampled_from([LineKind.RETURN, LineKind.RETURN_DESTROYED]),
    )
    def till_takes_back(self, at: int, item: str, kind: LineKind) -> None:
        """Goods come back."""
        self.do(self.sell_at_till((self.line("back", at, item, 1, kind),), ()))

    @rule(number=st.sampled_from(["r1", "r2", "back"]))
    def till_voids(self, number: str) -> None:
        """A receipt is void, whether it has arrived or not."""
        self.do(self.sell_at_till((), (number,)))

    @rule(
        store=STORES,
        item=ITEMS,
        units=UNITS,
        minutes=st.sampled_from([4, 12, None]),
        cost=st.sampled_from([None, 0, 101, 250]),
    )
    def delivery(
        self, store: str, item: str, units: int, minutes: int | None, cost: int | None
    ) -> None:
        """Goods come, some of which will not last, and some of unknown cost."""
        until = None if minutes is None else self.shop.clock() + minutes * MINUTE_MS
        stock = self.shop.commerce.stock
        self.do(stock.receive(self.change(store, item), Delivery(units, until, "farm", cost)))

    @rule(item=ITEMS, units=UNITS, reason=st.sampled_from(sorted(WRITE_OFF_REASONS)))
    def write_off(self, item: str, units: int, reason: LotMoveKind) -> None:
        """Something broke, or goes back to its supplier."""
        self.do(self.written_off(item, units, reason))

    @rule(item=ITEMS, off=st.integers(-2, 2))
    def count(self, item: str, off: int) -> None:
        """Somebody counts, and finds more or fewer."""
        self.do(self.allowed(self.shop.commerce.stock.count(self.change("s1", item), 5 + off, 5)))

    @rule(item=ITEMS, units=UNITS, to=STORES)
    def send(self, item: str, units: int, to: str) -> None:
        """Goods go to the other store."""
        self.do(self.sent(item, units, to))

    @rule(less=st.integers(0, 1))
    def arrive(self, less: int) -> None:
        """What is on its way arrives, perhaps not all of it."""
        transfers = self.shop.commerce.transfers
        for store in ("s1", "s2"):
            for transfer in self.do(transfers.list(store)):
                if transfer.to_store_id == store and transfer.received_at_ms is None:
                    units = max(0, transfer.units - less)
                    self.do(transfers.receive(store, transfer.id, units, "u1"))

    @rule()
    def expire(self) -> None:
        """What has expired goes."""
        self.do(self.shop.commerce.expiry.step())

    @rule(item=ITEMS, number=NUMBERS, units=UNITS)
    def all_at_once(self, item: str, number: str, units: int) -> None:
        """App, till, transfer, write-off and expiry want the last units together."""
        line = self.line(number, 1, item, units, LineKind.SALE)
        buyer = self.shop.commerce.orders.place(
            self.shop.tap("dora", "dinner", key=f"once-{self.keys:04}"), wait_s=0.02
        )

        async def together() -> None:
            await asyncio.gather(
                self.allowed(buyer),
                self.sell_at_till((line,), ()),
                self.sent(item, units, "s2"),
                self.written_off(item, 1),
                self.shop.commerce.expiry.step(),
                self.shop.commerce.ledger.step(),
            )

        self.do(together())

    async def written_off(
        self, item: str, units: int, reason: LotMoveKind = LotMoveKind.DAMAGED
    ) -> None:
        """Write off, if so many are there."""
        change = self.change("s1", item)
        await self.allowed(self.shop.commerce.stock.write_off(change, units, reason))

    @invariant()
    def the_inventory_is_at_cost(self) -> None:
        """Always."""
        assert self.do(inventory_gap_fen(self.shop)) == 0

    async def sent(self, item: str, units: int, to: str) -> None:
        """Send to a store, if so many are in the other."""
        change = self.change("s2" if to == "s1" else "s1", item)
        await self.allowed(self.shop.commerce.transfers.send(change, units, to))

    async def allowed(self, work: Coroutine[Any, Any, object]) -> None:
        """Do it, unless there is a clear no."""
        try:
            await work
        except CommerceError:
            pass


@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_no_unit_is_lost_or_below_zero_whoever_takes_it(valkey_url: str, examples: int) -> None:
    StockMachine.redis_url = valkey_url
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
