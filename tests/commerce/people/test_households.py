"""Who belongs to one household, by phone number and by flat; how flats are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.people.households import (
    BadDwelling,
    Dwelling,
    Household,
    Moved,
    after_dwelling,
    after_phone,
    dwelling_of,
)

OPEN, FLAT, OTHER_FLAT = Household("o", False), Household("f", True), Household("x", True)


@pytest.mark.parametrize(
    ("building", "flat"),
    [
        ("12", "1203"),
        ("12栋", "1203室"),
        ("12 号楼", "1203 号"),
        ("１２幢", "01203"),
        ("#12", "#1203"),
    ],
)
def test_a_flat_is_the_same_however_it_is_typed(building: str, flat: str) -> None:
    assert dwelling_of(building, flat) == Dwelling("12", "1203")


def test_blocks_and_letters_are_kept() -> None:
    assert dwelling_of("b座", "3–1a") == Dwelling("B", "3-1A")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_flat_or_refused_and_a_flat_stays_one(building: str, flat: str) -> None:
    try:
        dwelling = dwelling_of(building, flat)
    except BadDwelling as error:
        assert error.member in ("building", "flat")
        return
    assert dwelling_of(dwelling.building, dwelling.flat) == dwelling


def test_the_first_household_of_a_guest_has_the_guests_id() -> None:
    assert after_phone("g", None, None) == Moved("g")
    assert after_dwelling("g", None, "", "fresh") == Moved("g")


def test_who_proves_a_known_number_joins_its_household_with_all_of_the_own_one() -> None:
    assert after_phone("g", None, OPEN) == Moved("o")
    assert after_phone("g", OPEN, FLAT) == Moved("f", merged="o")


def test_a_confirmed_flat_outranks_a_number() -> None:
    assert after_phone("g", FLAT, OPEN) == Moved("f", merged="o")
    assert after_phone("g", FLAT, OTHER_FLAT) == Moved("x"), "households of two flats stay two"


def test_who_lives_in_a_known_flat_joins_its_household() -> None:
    assert after_dwelling("g", OPEN, "f", "fresh") == Moved("f", merged="o")
    assert after_dwelling("g", OPEN, "", "fresh") == Moved("o")
    assert after_dwelling("g", FLAT, "f", "fresh") == Moved("f")


def test_who_moves_leaves_the_household_of_the_old_flat_behind() -> None:
    assert after_dwelling("g", FLAT, "x", "fresh") == Moved("x")
    assert after_dwelling("g", FLAT, "", "fresh") == Moved("fresh")
