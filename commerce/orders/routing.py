"""Which stores serve an estate: its own in their order, then others nearby by distance."""

import math
from collections.abc import Iterable

from commerce.catalogue.values import Coordinates, Estate, Store

EARTH_RADIUS_M = 6_371_000.0
CANDIDATES_MAX = 5
NEARBY_M_MAX = 30_000
"""A store farther away serves only estates that name it."""


def distance_m(one: Coordinates, other: Coordinates) -> float:
    """Return the great-circle distance in metres (haversine formula)."""
    latitude_1, latitude_2 = math.radians(one.latitude), math.radians(other.latitude)
    half_latitude = (latitude_2 - latitude_1) / 2
    half_longitude = math.radians(other.longitude - one.longitude) / 2
    chord = (
        math.sin(half_latitude) ** 2
        + math.cos(latitude_1) * math.cos(latitude_2) * math.sin(half_longitude) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def candidates(estate: Estate, stores: Iterable[Store]) -> tuple[str, ...]:
    """Return ids of stores that may serve `estate`, best first, at most `CANDIDATES_MAX`."""
    own = (estate.store_id, *estate.next_stores)
    ranked = sorted(
        (own.index(store.id) if store.id in own else len(own), away_m, store.id)
        for store in stores
        if (away_m := distance_m(estate.position, store.position)) <= NEARBY_M_MAX
        or store.id in own
    )
    return tuple(id for _, _, id in ranked[:CANDIDATES_MAX])


def beyond_reach(estate: Estate, stores: Iterable[Store]) -> list[tuple[str, int]]:
    """Return stores that are too far to serve `estate`, and how far in metres, nearest first."""
    own = (estate.store_id, *estate.next_stores)
    far = [
        (int(distance_m(estate.position, store.position)), store.id)
        for store in stores
        if store.id not in own
    ]
    return [(id, away_m) for away_m, id in sorted(far) if away_m > NEARBY_M_MAX]
