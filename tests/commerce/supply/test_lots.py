"""Lots: first expired first out, and every move between two known kinds of location."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.supply.lots import (
    OWN,
    PATHS,
    WRITE_OFF_REASONS,
    LocationKind,
    LotMove,
    LotMoveKind,
    LotUnits,
    balance_changes,
    kind_of,
    location_id,
    shop_changes,
    store_of,
    take,
    written_off_to,
)

LOTS = st.lists(
    st.builds(
        LotUnits,
        lot_id=st.integers(0, 99).map(str),
        units=st.integers(0, 9),
        best_before_ms=st.none() | st.integers(0, 5),
        received_at_ms=st.integers(0, 5),
    ),
    unique_by=lambda lot: lot.lot_id,
)


@given(LOTS, st.integers(0, 50))
def test_taking_takes_all_there_is_at_most_and_the_first_expired_first(
    lots: list[LotUnits], units: int
) -> None:
    taken = take(lots, units)
    assert sum(part for _, part in taken) == min(units, sum(lot.units for lot in lots))
    by_id = {lot.lot_id: lot for lot in lots}
    left = {id: lot.units for id, lot in by_id.items()}
    for lot_id, part in taken:
        assert 0 < part <= left[lot_id]
        left[lot_id] -= part
    dated = [by_id[id].best_before_ms for id, _ in taken]
    for lot in lots:
        if left[lot.lot_id] and lot.best_before_ms is not None:
            assert all(date is not None and date <= lot.best_before_ms for date in dated)


def test_a_transfer_changes_both_places_and_waste_is_not_counted() -> None:
    shop = location_id(LocationKind.SHOP, "s1")
    transit = location_id(LocationKind.TRANSIT, "s2")
    moves = [
        LotMove("tea", "a", shop, transit, 3, LotMoveKind.SEND, "t", "tea", 1),
        LotMove("tea", "a", shop, "waste", 2, LotMoveKind.DAMAGED, "w", "tea", 1),
    ]
    assert balance_changes(moves) == {(shop, "tea", "a"): -5, (transit, "tea", "a"): 3}
    assert shop_changes(moves) == {("tea", "s1"): -5}
    assert (kind_of(transit), store_of(transit)) == (LocationKind.TRANSIT, "s2")


def test_every_kind_of_move_has_a_path_that_touches_what_is_counted() -> None:
    assert set(PATHS) == set(LotMoveKind)
    for kind, (sources, targets) in PATHS.items():
        # Also from the till, or from a buyer, straight into waste.
        if kind not in (LotMoveKind.RETURNED, LotMoveKind.CLAIMED):
            assert OWN & {*sources, *targets}
    for reason in WRITE_OFF_REASONS:
        assert PATHS[reason][1] == (written_off_to(reason),)


def test_a_move_on_no_path_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        LotMove("tea", "a", "supplier", "waste", 1, LotMoveKind.RECEIVE, "x", "tea", 0)
