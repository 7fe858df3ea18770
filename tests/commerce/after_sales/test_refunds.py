"""What of an order goes back: every fen once, and none beyond the price of a part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.after_sales.refunds import (
    PartKey,
    PartRefund,
    paid_parts,
    refund_of_amount,
    refund_of_rest,
    refund_of_units,
    refunded_by_part,
)
from commerce.catalogue.sets import split
from commerce.errors import RefundTooLarge
from commerce.orders.lines import OrderLine, OrderPart
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState


@st.composite
def lines(draw: st.DrawFn) -> OrderLine:
    """An item, or sets of up to four parts."""
    units, price_fen = draw(st.integers(1, 5)), draw(st.integers(1, 5_000))
    weights = draw(st.lists(st.integers(1, 9), max_size=4))
    if not weights:
        return OrderLine("item", units, price_fen)
    shares = split(units * price_fen, weights)
    parts = tuple(
        OrderPart(f"part{place}", units * draw(st.integers(1, 3)), share)
        for place, share in enumerate(shares)
    )
    return OrderLine("set", units, price_fen, 1, parts)


@st.composite
def orders(draw: st.DrawFn) -> OrderRow:
    """A paid order of one to three lines."""
    return paid(*draw(st.lists(lines(), min_size=1, max_size=3)))


def paid(*of: OrderLine) -> OrderRow:
    """An order with these lines."""
    total = sum(line.total_fen for line in of)
    return OrderRow(
        "o", "1", "anna", "e", "r", "s", of[0].product_id, "", of[0].units, total, total, 0,
        OrderState.READY, None, 1, 0, None, None, "", "", "", of,
    )  # fmt: skip


@given(orders(), st.data())
def test_any_refunds_followed_by_the_rest_sum_to_what_was_paid(
    order: OrderRow, data: st.DataObject
) -> None:
    done: list[PartRefund] = []
    for source in range(data.draw(st.integers(0, 4))):
        earlier = refunded_by_part(done)
        part = data.draw(st.sampled_from(paid_parts(order)))
        if data.draw(st.booleans()):
            units = data.draw(st.integers(1, part.units))
            done += refund_of_units(order, part.key, units, "claim", str(source), earlier)
        else:
            left = left_of_line(order, part.line, earlier)
            if left:
                amount = data.draw(st.integers(1, left))
                refunds = refund_of_amount(order, part.line, amount, "short", str(source), earlier)
                assert sum(refund.amount_fen for refund in refunds) == amount
                done += refunds
    done += refund_of_rest(order, "store", "", refunded_by_part(done))
    sums = refunded_by_part(done)
    assert all(refund.amount_fen > 0 for refund in done)
    assert sums == {part.key: part.amount_fen for part in paid_parts(order) if part.amount_fen}
    assert refund_of_rest(order, "store", "", sums) == []


def left_of_line(order: OrderRow, line: int, earlier: dict[PartKey, int]) -> int:
    """What a line may still give back."""
    return sum(
        part.amount_fen - earlier.get(part.key, 0)
        for part in paid_parts(order)
        if part.line == line
    )


def test_the_fen_that_does_not_divide_goes_to_the_first_units() -> None:
    order = paid(OrderLine("set", 1, 1_000, 1, (OrderPart("bun", 3, 1_000),)))
    amounts = [
        refund_of_units(order, (0, 0), units, "claim", "", {})[0].amount_fen for units in (1, 2, 3)
    ]
    assert amounts == [334, 667, 1_000]


def test_more_than_is_left_is_refused() -> None:
    order = paid(OrderLine("tea", 2, 500))
    with pytest.raises(RefundTooLarge):
        refund_of_units(order, (0, 0), 3, "claim", "", {})
    with pytest.raises(RefundTooLarge):
        refund_of_units(order, (1, 0), 1, "claim", "", {})
    with pytest.raises(RefundTooLarge) as refused:
        refund_of_amount(order, 0, 901, "claim", "", {(0, 0): 100})
    assert refused.value.left == 900
