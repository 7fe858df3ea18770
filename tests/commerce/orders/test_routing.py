"""Routing: an estate's own store first, then the others by distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.values import Coordinates, Estate, Store, Text
from commerce.orders.routing import CANDIDATES_MAX, NEARBY_M_MAX, candidates, distance_m

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


def test_stores_that_an_estate_names_come_in_their_order() -> None:
    stores = [store_at("first", SHANGHAI), store_at("second", SHANGHAI), store_at("near", HANGZHOU)]
    estate = Estate("e", WORDS, HANGZHOU, "second", next_stores=("first",))
    assert candidates(estate, stores) == ("second", "first", "near")


def test_store_of_another_city_serves_only_estates_that_name_it() -> None:
    stores = [store_at("own", HANGZHOU), store_at("far", SHANGHAI)]
    assert candidates(Estate("e", WORDS, HANGZHOU, "own"), stores) == ("own",)


nearby = st.builds(Coordinates, st.floats(30.0, 30.4), st.floats(120.0, 120.4))


@given(st.dictionaries(st.sampled_from("abcdefgh"), nearby), nearby, st.sampled_from("abz"))
def test_candidates_are_sorted_limited_and_independent_of_the_order_of_stores(
    places: dict[str, Coordinates], home: Coordinates, own: str
) -> None:
    stores = [store_at(id, position) for id, position in places.items()]
    estate = Estate("e", WORDS, home, own)
    found = candidates(estate, stores)
    assert found == candidates(estate, reversed(stores))
    near = [id for id in places if id == own or distance_m(home, places[id]) <= NEARBY_M_MAX]
    assert len(found) == len(set(found)) == min(len(near), CANDIDATES_MAX)
    assert own not in places or found[0] == own
    distances = [distance_m(home, places[id]) for id in found if id != own]
    assert distances == sorted(distances)
