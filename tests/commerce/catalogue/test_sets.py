"""Set meals: what they take, what their parts cost, and how many there are."""

from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.sets import (
    SHARES_BP,
    SetPart,
    explode,
    scarcest_part,
    sets_left,
    shares_bp,
    split,
    sum_units,
)

ITEMS = ["bass", "spinach", "tofu", "tomatoes"]
parts_of = st.lists(
    st.builds(SetPart, st.sampled_from(ITEMS), st.integers(1, 4), st.just(0)),
    min_size=1,
    max_size=4,
    unique_by=lambda part: part.item_id,
)
free_of = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 30))


@given(parts_of, st.integers(1, 20))
def test_a_set_takes_the_units_of_its_parts(parts: list[SetPart], units: int) -> None:
    assert explode("set", units, parts) == {part.item_id: part.units * units for part in parts}


def test_an_item_takes_itself() -> None:
    assert explode("tea", 3, ()) == {"tea": 3}


def test_units_of_an_item_in_two_lines_are_summed() -> None:
    parts = (SetPart("bass", 1, 10_000),)
    both = [*explode("set", 2, parts).items(), *explode("bass", 3, ()).items(), ("tofu", 1)]
    assert list(sum_units(both).items()) == [("bass", 5), ("tofu", 1)]


@given(parts_of, free_of)
def test_as_many_sets_are_left_as_the_stock_makes(
    parts: list[SetPart], free: dict[str, int]
) -> None:
    left = sets_left(parts, free)
    assert all(free.get(item, 0) >= units for item, units in explode("s", left, parts).items())
    one_more = explode("s", left + 1, parts)
    scarcest = scarcest_part(parts, free)
    assert free.get(scarcest.item_id, 0) < one_more[scarcest.item_id]


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_a_split_sums_to_the_whole_and_is_nowhere_off_by_a_unit(
    total: int, weights: list[int]
) -> None:
    found = split(total, weights)
    assert sum(found) == total
    whole = sum(weights)
    for part, weight in zip(found, weights, strict=True):
        assert abs(part * whole - total * weight) < whole


def test_shares_follow_what_parts_cost_alone() -> None:
    assert shares_bp([2_990, 990, 450]) == (6_749, 2_235, 1_016)
    assert sum(shares_bp([1, 1, 1])) == SHARES_BP
