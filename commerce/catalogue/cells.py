"""H3 cells (https://h3geo.org) that an estate covers: the one of its pin, and rings around it."""

import h3

from commerce.catalogue.values import Coordinates

RESOLUTION = 9
"""About 0.1 km² a cell: a few buildings."""
RINGS_MAX = 5


def cells_around(pin: Coordinates, rings: int) -> tuple[str, ...]:
    """Return the ids of the cells up to `rings` away from that of `pin`, sorted."""
    centre = h3.latlng_to_cell(pin.latitude, pin.longitude, RESOLUTION)
    return tuple(sorted(h3.grid_disk(centre, rings)))


def outline(pin: Coordinates, rings: int) -> tuple[Coordinates, ...]:
    """Return the border of these cells, as corners of one polygon."""
    shape = h3.cells_to_h3shape(cells_around(pin, rings), tight=False)
    [polygon] = shape.polys
    return tuple(Coordinates(latitude, longitude) for latitude, longitude in polygon.outer)
