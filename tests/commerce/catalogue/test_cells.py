"""An estate covers the H3 cell of its pin and rings around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.cells import RINGS_MAX, cells_around, outline
from commerce.catalogue.values import Coordinates

PIN = Coordinates(30.2741, 120.1551)


@pytest.mark.parametrize(("rings", "cells", "corners"), [(0, 1, 6), (1, 7, 18), (2, 19, 30)])
def test_each_ring_adds_six_cells_more(rings: int, cells: int, corners: int) -> None:
    assert len(cells_around(PIN, rings)) == cells
    assert len(outline(PIN, rings)) == corners


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, RINGS_MAX))
def test_outline_is_one_polygon_everywhere(latitude: float, longitude: float, rings: int) -> None:
    assert len(outline(Coordinates(latitude, longitude), rings)) >= 5
