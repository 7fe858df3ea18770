"""Tax inside prices, and the day whose books get a transfer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.money.accounts import (
    SHARED,
    Account,
    account,
    day_of,
    days_of,
    kind_of,
    party_of,
    period_of,
)
from commerce.money.tax import RATE_BP_MAX, TaxedLine, tax_of, tax_of_rest

DAY_MS = 86_400_000


@given(st.integers(0, 10**9), st.integers(0, RATE_BP_MAX))
def test_net_and_tax_sum_to_the_price_within_half_a_fen(gross: int, rate: int) -> None:
    tax = tax_of(gross, rate)
    assert 0 <= tax <= gross
    assert abs(tax * (10_000 + rate) - gross * rate) * 2 <= 10_000 + rate


@given(st.integers(1, 10_000), st.integers(0, RATE_BP_MAX), st.data())
def test_the_tax_of_any_refunds_sums_to_the_tax_of_the_line(
    total: int, rate: int, data: st.DataObject
) -> None:
    lines, given_back, taxes = [TaxedLine(0, total, rate)], 0, 0
    while given_back < total:
        fen = data.draw(st.integers(max(1, total // 5), total)) if total > 5 else total
        after = min(total, given_back + fen)
        taxes += tax_of_rest(lines, {0: given_back}) - tax_of_rest(lines, {0: after})
        given_back = after
    assert taxes == tax_of(total, rate)


def test_known_tax() -> None:
    assert (tax_of(10_900, 900), tax_of(990, 900), tax_of(100, 0)) == (900, 82, 0)


@given(st.sampled_from(Account), st.text(st.characters(codec="ascii"), min_size=1))
def test_an_account_is_read_back(kind: Account, party: str) -> None:
    name = account(kind, "" if kind in SHARED else party)
    assert (kind_of(name), party_of(name)) == (kind, "" if kind in SHARED else party)


@given(st.integers(0, 2 * 10**12), st.integers(-3, 3))
def test_a_transfer_goes_to_its_day_or_the_first_open_one_after_it(at_ms: int, days: int) -> None:
    closed = day_of(max(0, at_ms + days * DAY_MS))
    period = period_of(at_ms, closed)
    assert period > closed
    assert period == day_of(at_ms) or period == period_of(0, closed)
    assert period_of(at_ms) == day_of(at_ms)


def test_days_begin_at_midnight_in_china() -> None:
    assert (day_of(57_599_999), day_of(57_600_000)) == ("1970-01-01", "1970-01-02")


def test_a_period_is_a_day_or_a_month() -> None:
    assert days_of("2026-02") == ("2026-02-01", "2026-02-28")
    assert days_of("2028-02-29") == ("2028-02-29", "2028-02-29")
    for wrong in ("2026", "2026-13", "2026-02-30", "x"):
        with pytest.raises(ValueError, match=r"."):
            days_of(wrong)
