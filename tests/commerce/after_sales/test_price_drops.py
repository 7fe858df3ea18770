"""A falling price of a group: the difference, once, and never more than was paid."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.after_sales.price_drops import refund_of_drop
from commerce.after_sales.refunds import paid_parts, refund_of_units, refunded_by_part
from commerce.catalogue.sets import split
from commerce.orders.lines import OrderLine, OrderPart
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState


def paid_order(*lines: OrderLine) -> OrderRow:
    """An order of a group that is paid."""
    total_fen = sum(line.total_fen for line in lines)
    first = lines[0]
    return OrderRow(
        id="o", number="1", guest_id="g", estate_id="e", room_id="r", store_id="s",
        product_id=first.product_id, group_id="group", quantity=first.units, total_fen=total_fen,
        paid_fen=total_fen, refunded_fen=0, state=OrderState.NEW, refused=None, version=1,
        created_at_ms=0, due_at_ms=None, handed_over_at_ms=None, body_hash="", entry_id="",
        lines=lines,
    )  # fmt: skip


@st.composite
def orders(draw: st.DrawFn) -> OrderRow:
    """An order whose first line is an item or a set, maybe with a second line."""
    units, price_fen = draw(st.integers(1, 5)), draw(st.integers(1, 5_000))
    weights = draw(st.lists(st.integers(1, 9), max_size=4))
    shares = split(units * price_fen, weights) if weights else []
    parts = tuple(OrderPart(f"part{at}", units, share) for at, share in enumerate(shares))
    first = OrderLine("set" if parts else "item", units, price_fen, 1 if parts else 0, parts)
    return paid_order(first, *([OrderLine("other", 1, 700)] if draw(st.booleans()) else []))


@given(orders(), st.integers(1, 5_000), st.integers(0, 5), st.integers(0, 5_000))
@settings(max_examples=40)
def test_what_a_price_fell_by_goes_back_within_every_part(
    order: OrderRow, price_fen: int, bad_units: int, further_fen: int
) -> None:
    bad = min(bad_units, paid_parts(order)[0].units)
    earlier = refund_of_units(order, (0, 0), bad, "claim", "c1", {}) if bad else []
    drop = refund_of_drop(order, price_fen, refunded_by_part(earlier))
    line = order.all_lines[0]
    off_fen = sum(refund.amount_fen for refund in drop)
    assert off_fen <= max(0, line.units * (line.price_fen - price_fen))
    if not earlier:
        assert line.total_fen - off_fen == min(line.total_fen, line.units * price_fen)
    assert {refund.line for refund in drop} <= {0}
    given_back = refunded_by_part([*earlier, *drop])
    for part in paid_parts(order):
        assert given_back.get(part.key, 0) <= part.amount_fen
    lower = refund_of_drop(order, max(1, price_fen - further_fen), refunded_by_part(earlier))
    assert sum(refund.amount_fen for refund in lower) >= off_fen


def test_an_order_that_was_not_paid_gets_nothing_back() -> None:
    order = replace(paid_order(OrderLine("item", 1, 600)), paid_fen=0)
    assert refund_of_drop(order, 500, {}) == []
