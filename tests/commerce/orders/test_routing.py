"""Routing: an estate's own store first, then the others by distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.values import Coordinates, Estate, Store, Text
from commerce.orders.routing import CANDIDATES_MAX, candidates, distance_m

WORDS = Text("", "")
HANGZHOU, SHANGHAI = Coordinates(30.2741, 120.1551), Coordinates(31.2304, 121.4737)
HALF_EARTH_M = 20_015_100.0

positions = st.builds(Coordinates, st.floats(-90, 90), st.floats(-180, 180))


def store_at(id: str, position: Coordinates) -> Store:
    """A store."""
    return Store(id, WORDS, WORDS, position)


def test_the_distance_of_two_cities_is_that_of_the_map() -> None:
    assert distance_m(HANGZHOU, SHANGHAI) == pytest.approx(164_400, rel=0.01)


@given(positions, positions)
def test_distance_is_symmetric_and_at_most_half_the_earth(
    one: Coordinates, other: Coordinates
) -> None:
    assert distance_m(one, other) == pytest.approx(distance_m(other, one))
    assert 0 <= distance_m(one, other) <= HALF_EARTH_M
    assert distance_m(one, one) == 0


def test_the_own_store_comes_first_and_then_the_nearest() -> None:
    stores = [
        store_at("far", Coordinates(30.4, 120.3)),
        store_at("own", Coordinates(30.3, 120.2)),
        store_at("near", Coordinates(30.2741, 120.1552)),
    ]
    assert candidates(Estate("e", WORDS, HANGZHOU, "own"), stores) == ("own", "near", "far")


@given(st.dictionaries(st.sampled_from("abcdefgh"), positions), positions, st.sampled_from("abz"))
def test_candidates_are_sorted_limited_and_independent_of_the_order_of_stores(
    places: dict[str, Coordinates], home: Coordinates, own: str
) -> None:
    stores = [store_at(id, position) for id, position in places.items()]
    estate = Estate("e", WORDS, home, own)
    found = candidates(estate, stores)
    assert found == candidates(estate, reversed(stores))
    assert len(found) == len(set(found)) == min(len(stores), CANDIDATES_MAX)
    assert own not in places or found[0] == own
    distances = [distance_m(home, places[id]) for id in found if id != own]
    assert distances == sorted(distances)
