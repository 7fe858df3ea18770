"""Commission of leaders: the narrowest rate, and never more clawed back than accrued."""

from hypothesis import given
from hypothesis import strategies as st

from commerce.leaders.commission import (
    CommissionRate,
    clawback_fen,
    commission_fen,
    rate_bp_of,
)

FEN = st.integers(0, 10_000_000)
RATES = st.integers(0, 10_000)


def test_narrowest_rate_wins_and_no_rate_is_nothing() -> None:
    rates = [
        CommissionRate("", "", "", 500),
        CommissionRate("e1", "", "", 600),
        CommissionRate("", "anna", "", 700),
        CommissionRate("e1", "anna", "", 800),
        CommissionRate("", "", "pear", 0),
    ]

    def rate(estate: str, leader: str, product: str) -> int:
        return rate_bp_of(rates, estate_id=estate, leader_id=leader, product_id=product)

    assert rate("e2", "otto", "tea") == 500
    assert rate("e1", "otto", "tea") == 600
    assert rate("e2", "anna", "tea") == 700
    assert rate("e1", "anna", "tea") == 800
    assert rate("e1", "anna", "pear") == 0
    assert rate_bp_of([], estate_id="e1", leader_id="anna", product_id="tea") == 0


@given(base_fen=FEN, rate_bp=RATES, refunds=st.lists(FEN, max_size=6))
def test_clawbacks_never_exceed_the_accrued_and_end_at_the_rate_of_what_is_kept(
    base_fen: int, rate_bp: int, refunds: list[int]
) -> None:
    accrued, clawed, kept = commission_fen(base_fen, rate_bp), 0, base_fen
    for fen in refunds:
        kept = max(0, kept - fen)
        back = clawback_fen(base_fen, kept, rate_bp, clawed)
        assert back >= 0
        clawed += back
        assert clawed <= accrued
        assert clawback_fen(base_fen, kept, rate_bp, clawed) == 0
        assert accrued - clawed == commission_fen(kept, rate_bp)
    assert kept or clawed == accrued
