"""The books of a day: closed once, zero at every moment, settled to the same files."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from commerce.after_sales.claims import Fault
from commerce.errors import InvalidField, NotFound
from commerce.io.audit import audit
from commerce.io.payments.sandbox import SandboxPayments
from commerce.io.record.postings import post_transfers
from commerce.io.shop.after_sales.values import NewClaim
from commerce.io.shop.books.books import bounds_of
from commerce.io.shop.stock.keeping import Delivery, StockChange
from commerce.money.accounts import day_of
from commerce.money.bills import DifferenceKind
from commerce.money.payouts import PayoutState
from commerce.money.transfers import charged
from commerce.orders.states import OrderState
from commerce.supply.lots import LotMoveKind
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, open_shop, running_shop
from tests.support.waiting import wait_until

DAY_MS = 86_400_000


async def handed_over(shop: Shop, guest: str, product: str, units: int) -> OrderView:
    """An order that its buyer has collected."""
    order = await shop.commerce.orders.place(shop.tap(guest, product, quantity=units))
    assert isinstance(order, OrderView)
    for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        await shop.commerce.fulfilment.move(order.id, state, "clerk")
    [mine] = await shop.commerce.orders.mine(guest)
    assert mine.pickup
    await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
    return order


async def test_a_closed_day_refuses_transfers_and_what_comes_late_goes_to_the_next(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        books, clock = shop.commerce.books, shop.clock
        async with shop.commerce.record.write() as connection:
            await connection.execute(text("UPDATE products SET tax_bp = 1300 WHERE id = 'pear'"))
        await shop.commerce._shop.cache.refresh()
        taxed = await handed_over(shop, "bo", "pear", 1)
        order = await handed_over(shop, "anna", "tea", 2)
        day = day_of(clock())
        with pytest.raises(InvalidField):
            await books.close("b", day, "boss")
        clock.ahead_ms += DAY_MS
        late_day = day_of(clock())
        assert await books.close("b", day, "boss") == day
        assert await books.close("b", day, "boss") == day
        with pytest.raises(IntegrityError):
            async with shop.commerce.record.write() as connection:
                await connection.execute(
                    text(
                        "INSERT INTO money_transfers (order_id, kind, from_account, to_account,"
                        " amount_fen, at_ms, source, brand_id, period) VALUES"
                        " (:o, 'fee', 'fee', 'provider', 1, 1, 'x', 'b', :p)"
                    ),
                    {"o": order.id, "p": day},
                )
        late = replace(charged(order.id, 1, clock() - DAY_MS), source="late")
        async with shop.commerce.record.write() as connection:
            await connection.run_sync(post_transfers, [late])
            row = await connection.execute(
                text("SELECT period FROM money_transfers WHERE source = 'late'")
            )
            assert row.scalar_one() == late_day
            await connection.rollback()
        sums = {one.account: one.balance_fen for one in (
            await books.trial_balance("b", day)
        ).accounts}  # fmt: skip
        # Tea at the usual 9 percent, the pear at 13 of its own.
        tax = {order.number: 163, taxed.number: 92}
        sales = 1_980 + 800 - sum(tax.values())
        assert sums == {
            "provider": -2_780, "unearned": 0, "sales:s1": sales, "tax:s1": sum(tax.values()),
        }  # fmt: skip
        assert (await books.trial_balance("b", day[:7])).sum_fen == 0
        entries = await books.entries("b", day, "tax:s1")
        assert {entry.number: entry.amount_fen for entry in entries} == tax
        assert {entry.other for entry in entries} == {"sales:s1"}
        assert await audit(shop.engine) == []


async def test_settlements_are_made_again_bit_for_bit_and_the_bill_is_our_books(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        books, clock = shop.commerce.books, shop.clock
        sandbox = SandboxPayments(shop.commerce.record, clock=clock)
        stock, change = shop.commerce.stock, StockChange("s1", "tea", "u1", "lorry")
        await stock.receive(change, Delivery(10, None, "farm", 300))
        await stock.receive(change, Delivery(10, None, "farm", 300))
        back = replace(change, key="back")
        lots = [lot for p in (await stock.list("s1", "tea")).products for lot in p.lots]
        [lot] = [lot for lot in lots if lot.supplier == "farm"]
        await stock.write_off(back, 2, LotMoveKind.SENT_BACK, lot.id)
        orders = []
        for guest in ("anna", "bo"):
            order = await shop.commerce.orders.place(shop.tap(guest, quantity=2))
            assert isinstance(order, OrderView)
            for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
                await shop.commerce.fulfilment.move(order.id, state, "clerk")
            [mine] = await shop.commerce.orders.mine(guest)
            assert mine.pickup
            await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
            orders.append(order)
        await shop.commerce.claims.make("bo", NewClaim(orders[1].id, 0, 0, 1, Fault.STALE))
        await wait_until(lambda: shop.seen(orders[1].id).refunded_fen == 990)
        day = day_of(clock())
        clock.ahead_ms += DAY_MS
        with pytest.raises(InvalidField):
            await books.settle("b", day)
        await books.close("b", day, "boss")
        first = await books.settle("b", day)
        again = await books.settle("b", day)
        assert first == again
        [store, supplier] = first
        assert (supplier.party, supplier.payable_fen) == ("supplier:farm", 8 * 300)
        assert (store.party, store.payable_fen) == ("store:s1", 2 * 1_980 - 990)
        assert store.file.endswith(",,payable,store:s1,,2970\n")
        [kept, _] = await books.settled("b", day)
        assert kept.sha256 == store.sha256

        bill = await sandbox.bill("b", *bounds_of(day))
        assert bill.splitlines()[0] == "kind,order_id,n,amount_fen,fee_fen,at_ms"
        found = await shop.commerce.bills.reconcile("b", day, bill.encode())
        assert (found.charges_fen, found.refunds_fen, found.fee_fen) == (3_960, 990, 24)
        assert found.differences == []
        wrong = bill.replace(f"refund,{orders[1].id},1,990", f"refund,{orders[1].id},1,880")
        [other] = (await shop.commerce.bills.reconcile("b", day, wrong.encode())).differences
        assert (other.kind, other.billed_fen, other.booked_fen) == (
            DifferenceKind.AMOUNT,
            880,
            990,
        )
        # The fee is booked once, in the books that are open.
        balance = await books.trial_balance("b", day_of(clock()))
        assert {one.account: one.balance_fen for one in balance.accounts} == {
            "fee": -24,
            "provider": 24,
        }
        assert await audit(shop.engine) == []


async def test_payouts_are_booked_once_and_a_clawback_after_one_is_carried(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        books, payouts, clock = shop.commerce.books, shop.commerce.payouts, shop.clock
        stock, change = shop.commerce.stock, StockChange("s1", "tea", "u1", "lorry")
        await stock.receive(change, Delivery(10, None, "farm", 300))
        day = day_of(clock())
        with pytest.raises(InvalidField):
            await payouts.propose("b", day, "boss")
        clock.ahead_ms += DAY_MS
        await books.close("b", day, "boss")
        [first] = (await payouts.propose("b", day, "boss")).payouts
        assert (first.account, first.amount_fen, first.name) == ("supplier:farm", 3_000, "farm")
        assert (await payouts.propose("b", day, "boss")).payouts == [first]
        both = await asyncio.gather(
            *(payouts.approve("b", [first.number], "boss") for _ in range(2))
        )
        assert {one.payouts[0].state for one in both} == {PayoutState.APPROVED}
        assert (await payouts.propose("b", day, "boss")).payouts == both[0].payouts
        file = await payouts.file("b", day)
        assert file.splitlines()[1] == (f"P000001,supplier,farm,farm,30.00,settlement until {day}")

        back = replace(change, key="back")
        [lot] = [lot for p in (await stock.list("s1", "tea")).products for lot in p.lots
                 if lot.supplier == "farm"]  # fmt: skip
        await stock.write_off(back, 4, LotMoveKind.SENT_BACK, lot.id)
        later = day_of(clock())
        clock.ahead_ms += DAY_MS
        await books.close("b", later, "boss")
        owed = await payouts.propose("b", later, "boss")
        assert [one.state for one in owed.payouts] == [PayoutState.APPROVED]
        [carried] = owed.carried
        assert (carried.account, carried.balance_fen) == ("supplier:farm", -1_200)

        await stock.receive(replace(change, key="next"), Delivery(10, None, "farm", 200))
        newest = day_of(clock())
        clock.ahead_ms += DAY_MS
        await books.close("b", newest, "boss")
        due = await payouts.propose("b", newest, "boss")
        assert (due.payouts[0].amount_fen, due.carried) == (800, [])
        with pytest.raises(NotFound):
            await payouts.approve("b", [due.payouts[0].number, 99], "boss")
        balance = await books.trial_balance("b", newest[:7])
        assert balance.sum_fen == 0
        assert await audit(shop.engine) == []
