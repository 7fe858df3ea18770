"""An evening of many shops with faults and kills: legal ends, balanced books, kept promises."""

import json

import pytest
from sqlalchemy import text

from commerce.io.audit import audit, audit_gate
from commerce.io.payments.sandbox import SandboxPayments
from commerce.io.shop.books.books import bounds_of
from commerce.money.accounts import day_of
from commerce.orders.states import ENDED_VALUES, FULFIL_MS
from tests.support.commerce_checks import inventory_gap_fen
from tests.support.evening import DAY_ZONE_MS, HOUR_MS, Evening, Size

SMALL = Size(2, 4, 6, seed=3, hours=0.5, fault_share=0.1, kills=1, tick_s=180)
WHOLE = Size(50, 24, 300, seed=21, kills=20, tick_s=30)


@pytest.mark.parametrize(
    "size",
    [SMALL, pytest.param(WHOLE, marks=[pytest.mark.soak, pytest.mark.timeout(3 * 3_600)])],
    ids=["2 shops", "50 shops"],
)
async def test_every_order_of_an_evening_ends_and_the_providers_bill_is_our_books(
    size: Size, sqlite_url: str, valkey_url: str
) -> None:
    async with Evening(size, sqlite_url, valkey_url).played() as evening:
        shop = evening.shop
        async with shop.commerce.record.read() as connection:
            counted = await connection.execute(
                text("SELECT state, COUNT(*) FROM orders GROUP BY state ORDER BY state")
            )
            states = {state: count for state, count in counted}
        assert set(states) <= set(ENDED_VALUES)
        wanted = size.shops * (size.sets + size.singles)
        assert sum(states.values()) + sum(evening.refused.values()) >= wanted

        # Units, money, slots within capacity, refunds, codes: every invariant of the record.
        assert await audit(shop.engine) == []
        assert await audit_gate(shop.engine, shop.redis) == []
        assert await inventory_gap_fen(shop) == 0

        ready = await evening.ready_after_ms()
        p95_ms = ready[int(0.95 * len(ready))]
        assert p95_ms <= FULFIL_MS

        books, day = shop.commerce.books, day_of(shop.clock())
        sandbox = SandboxPayments(shop.commerce.record, clock=shop.clock)
        bill = await sandbox.bill("b", *bounds_of(day))
        found = await shop.commerce.bills.reconcile("b", day, bill.encode())
        assert found.differences == []
        assert found.charges_fen > found.refunds_fen > 0
        evening.clock.now_ms += 24 * HOUR_MS - (evening.clock() + DAY_ZONE_MS) % (24 * HOUR_MS)
        await books.close("b", day, "boss")
        parties = {one.party: one.payable_fen for one in await books.settle("b", day)}
        assert parties["supplier:farm"] > 0
        assert {f"store:s{n}" for n in range(size.shops)} <= set(parties)
        balance = {a.account: a.balance_fen for a in (
            await books.trial_balance("b", day)).accounts}  # fmt: skip
        assert sum(balance.values()) == 0
        assert balance["unearned"] == 0
        figures = {"states": states, "refused": dict(evening.refused), "ready": len(ready)}
        print(json.dumps(figures | {"p95_min": round(p95_ms / 60_000, 1)}))
