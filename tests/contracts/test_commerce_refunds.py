"""Refunds by line and part: never more than was paid, whatever is requested, on both records."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from commerce.after_sales.refunds import PartRefund
from commerce.io.audit import audit
from commerce.io.record.refund_postings import request_part_refunds
from commerce.io.record.refund_rows import refunds_of
from commerce.io.shop.orders import OrderRequest, RequestedLine
from commerce.money.refund_calls import CALL_GAP_MS
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, open_shop, running, shop_plan, with_dinner
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

PLAN = with_dinner(shop_plan(10))


def bag(shop: Shop) -> OrderRequest:
    """Two dinners (tea 28.00, pear 12.00), three pears (24.00)."""
    tap = shop.tap("anna", "dinner", quantity=2)
    return replace(tap, further=(RequestedLine("pear", 3),))


async def request(shop: Shop, order: OrderRow, *refunds: PartRefund) -> None:
    """Request refunds in one transaction."""
    async with shop.commerce.record.write() as connection:
        await connection.run_sync(request_part_refunds, [order], refunds, shop.clock())


async def sold(shop: Shop) -> OrderRow:
    """The bag as an order."""
    async with running(shop.commerce):
        order = await shop.commerce.orders.place(bag(shop))
    assert isinstance(order, OrderView)
    return await shop.commerce.orders.get(order.id)


async def test_parts_are_refunded_once_and_never_beyond_their_price(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=PLAN) as shop:
        order = await sold(shop)

        def part(line: int, part: int, fen: int, source: str = "") -> PartRefund:
            return PartRefund(order.id, line, part, "short", source, fen)

        await request(shop, order, part(0, 1, 1_100), part(1, 0, 2_399))
        too_much = (
            part(0, 1, 1, ""),  # requested before
            part(0, 1, 101, "more"),  # beyond the part
            part(1, 0, 2, "more"),  # beyond the line
            part(5, 0, 2_902, "more"),  # beyond the order
        )
        for refund in too_much:
            with pytest.raises(IntegrityError):
                await request(shop, order, refund)
        async with shop.commerce.record.read() as connection:
            found = await connection.run_sync(refunds_of, [order.id])
        assert [refund.amount_fen for refund in found[order.id]] == [1_100, 2_399]
        async with running(shop.commerce):
            await wait_until(lambda: shop.seen(order.id).refunded_fen == 3_499)
        assert await audit(shop.engine) == []


async def test_a_cancelled_order_gives_back_what_is_left_of_each_part(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=PLAN) as shop:
        order = await sold(shop)
        await request(shop, order, PartRefund(order.id, 0, 0, "short", "", 800))
        async with running(shop.commerce):
            await wait_until(lambda: shop.seen(order.id).refunded_fen == 800)
            shop.clock.ahead_ms = CALL_GAP_MS
            await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
            await wait_until(lambda: shop.seen(order.id).refunded_fen == order.total_fen)
        async with shop.commerce.record.read() as connection:
            rows = await connection.execute(
                text("SELECT line, part, amount_fen, call_n FROM refunds ORDER BY 4, 1, 2")
            )
            calls = await connection.execute(text("SELECT n, amount_fen, state FROM refund_calls"))
            assert [tuple(row) for row in rows] == [
                (0, 0, 800, 1),
                (0, 0, 2_000, 2),
                (0, 1, 1_200, 2),
                (1, 0, 2_400, 2),
            ]
            assert [tuple(row) for row in calls] == [(1, 800, "done"), (2, 5_600, "done")]
        assert await audit(shop.engine) == []


async def test_what_was_refunded_before_the_handover_is_not_earned(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=PLAN) as shop:
        order = await sold(shop)
        async with running(shop.commerce):
            await request(shop, order, PartRefund(order.id, 1, 0, "short", "", 800))
            for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
                await shop.commerce.fulfilment.move(order.id, state, "clerk")
            [mine] = await shop.commerce.orders.mine("anna")
            assert mine.pickup
            await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
            shop.clock.ahead_ms = CALL_GAP_MS
            handed_over = await shop.commerce.orders.get(order.id)
            await request(shop, handed_over, PartRefund(order.id, 1, 0, "claim", "c1", 300))
            await wait_until(lambda: shop.seen(order.id).refunded_fen == 1_100)
        async with shop.commerce.record.read() as connection:
            rows = await connection.execute(
                text("SELECT account, SUM(amount_fen) FROM money_entries GROUP BY account")
            )
            assert {account: int(fen) for account, fen in rows} == {
                "provider": -5_300,
                "unearned": 0,
                # 9 % in 56.00, of which 3.00 went back.
                "sales:s1": 5_600 - 462,
                "tax:s1": 437,
                "refunds:s1": -300 + 25,
            }
        assert await audit(shop.engine) == []
