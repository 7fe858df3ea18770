"""What a coupon takes off an order."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.coupons.terms import ORDER_FEN_MIN, Terms, best, discounts

pytestmark = pytest.mark.fast

VECTORS = Path(__file__).parents[2] / "vectors" / "coupons.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]

amounts = st.integers(1, 5_000)
terms_of = st.one_of(
    st.builds(Terms, amount_fen=amounts, minimum_fen=st.integers(0, 5_000)),
    st.builds(
        Terms,
        percent=st.integers(1, 99),
        cap_fen=amounts,
        minimum_fen=st.integers(0, 5_000),
        products=st.sampled_from([(), ("a",), ("a", "b")]),
    ),
)
lines_of = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 9_000)), min_size=1, max_size=5
)


@given(terms_of, lines_of)
@settings(max_examples=150, deadline=None)
def test_a_discount_is_within_every_line_and_leaves_the_order_a_fen(
    terms: Terms, lines: list[tuple[str, int]]
) -> None:
    off = discounts(terms, lines)
    assert len(off) == len(lines)
    for (product, fen), taken in zip(lines, off, strict=True):
        assert 0 <= taken <= fen
        assert not taken or terms.is_for(product)
    assert sum(off) <= terms.value_fen
    assert sum(fen for _, fen in lines) - sum(off) >= ORDER_FEN_MIN
    base = sum(fen for product, fen in lines if terms.is_for(product))
    assert not sum(off) or base >= terms.minimum_fen


@given(terms_of, lines_of)
@settings(max_examples=80, deadline=None)
def test_lines_share_a_discount_in_proportion_to_a_fen(
    terms: Terms, lines: list[tuple[str, int]]
) -> None:
    off = discounts(terms, lines)
    base = sum(fen for product, fen in lines if terms.is_for(product))
    for (product, fen), taken in zip(lines, off, strict=True):
        if sum(off) and terms.is_for(product):
            assert abs(taken * base - sum(off) * fen) < base


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["off"]))
def test_amounts_minimum_products_and_caps(case: dict[str, Any]) -> None:
    given = case["terms"]
    products = tuple(given.pop("product_ids"))
    lines = [(product, fen) for product, fen in case["lines"]]
    assert list(discounts(Terms(**given, products=products), lines)) == case["off"]


def test_the_best_coupon_takes_off_most_and_ends_first() -> None:
    lines = [("a", 1_000)]
    coupons = [
        ("none", Terms(900, minimum_fen=1_001), 1),
        ("late", Terms(300), 9),
        ("soon", Terms(percent=30, cap_fen=400), 5),
    ]
    assert best(coupons, lines) == "soon"
    assert best(coupons[:1], lines) is None
