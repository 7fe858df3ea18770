"""Picks: settled parts stay settled, and what goes back is never more than was paid."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.picks import (
    TRANSITIONS,
    PickClosed,
    PickState,
    cheaper_by_fen,
    check_pick,
    under_weight_fen,
    units_fen,
)

FINAL = {PickState.SHORT, PickState.SUBSTITUTED}


@pytest.mark.parametrize(("state", "to"), list(itertools.product([None, *PickState], PickState)))
def test_only_transitions_of_the_table_are_legal(state: PickState | None, to: PickState) -> None:
    if (state, to) in TRANSITIONS:
        check_pick(state, to)
    else:
        with pytest.raises(PickClosed):
            check_pick(state, to)


def test_short_and_substituted_have_no_way_out_and_substituted_needs_an_offer() -> None:
    assert {state for state, _ in TRANSITIONS} & FINAL == set()
    ways_in = {state for state, to in TRANSITIONS if to is PickState.SUBSTITUTED}
    assert ways_in == {PickState.OFFERED}


@given(st.integers(0, 10_000), st.integers(1, 30), st.data())
def test_missing_and_found_units_cost_what_was_paid(
    paid: int, units: int, data: st.DataObject
) -> None:
    missing = data.draw(st.integers(0, units))
    assert 0 <= units_fen(paid, units, missing) <= paid
    assert units_fen(paid, units, units) == paid
    assert abs(units_fen(paid, units, missing) * units - paid * missing) < units * units


@given(st.integers(0, 10_000), st.integers(0, 5_000), st.integers(1, 5_000))
def test_under_weight_is_paid_back_in_proportion_and_more_is_a_gift(
    paid: int, grams: int, due: int
) -> None:
    back = under_weight_fen(paid, grams, due)
    if grams >= due:
        assert back == 0
    else:
        assert abs(back * due - paid * (due - grams)) <= due


def test_a_dearer_substitute_costs_no_more_and_a_cheaper_one_pays_back() -> None:
    assert [cheaper_by_fen(990, price) for price in (500, 990, 1_500)] == [490, 0, 0]
