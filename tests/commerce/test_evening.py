"""An evening of many shops with faults and kills: legal ends, balanced books, kept promises."""

import json

import pytest
from sqlalchemy import text

from commerce.io.audit import audit, audit_gate
from commerce.money.accounts import day_of
from commerce.orders.states import ENDED_VALUES, FULFIL_MS
from tests.support.commerce_checks import inventory_gap_fen
from tests.support.evening import Evening
from tests.support.evening_plan import DAY_ZONE_MS, HOUR_MS, Size

SMALL = Size(2, 4, 6, seed=3, hours=0.5, fault_share=0.1, kills=1, tick_s=180)
LATER = Size(2, 12, 40, seed=7, hours=1, fault_share=0.05, kills=2, tick_s=60, pays_later=True)
WHOLE = Size(50, 24, 300, seed=21, kills=20, tick_s=30)


SOAK = pytest.mark.soak
SIZES = [
    SMALL,
    pytest.param(LATER, marks=SOAK),
    pytest.param(WHOLE, marks=[SOAK, pytest.mark.timeout(3 * 3_600)]),
]


@pytest.mark.parametrize("size", SIZES, ids=["2 shops", "2 shops paid later", "50 shops"])
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
        assert await audit_gate(shop.engine, shop.redis, shop.clock) == []
        assert await inventory_gap_fen(shop) == 0

        ready = await evening.ready_after_ms()
        p95_ms = ready[int(0.95 * len(ready))]
        assert p95_ms <= FULFIL_MS

        books, day = shop.commerce.books, day_of(shop.clock())
        found = await shop.commerce.bills.reconcile("b", day, await evening.bill("b", day))
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
