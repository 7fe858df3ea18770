"""Simulated history in a lake: once, of one brand, and gold that is the sum of its money."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from insight.errors import HasHistory
from insight.io.lake import Lake
from insight.io.simulated import seed
from insight.simulated_rows import Good, Place, World

WORLD = World(
    brand="b",
    room="demo",
    places=(Place("e1", "s1"),),
    goods=(Good("tea", 500, 3, 0.0), Good("pear", 700, 2, 0.2)),
    first_day=date(2026, 3, 2),
    days=7,
    households=20,
)
SUMS = (
    "SELECT SUM(CASE kind WHEN 'charge' THEN amount_fen ELSE -amount_fen END) FROM money",
    "SELECT SUM(gmv_fen) FROM sales_hourly",
)


def test_a_second_run_adds_nothing_and_another_brand_is_refused(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    rows = seed(lake, WORLD, seed=1)
    sums = [lake.sql(query)[1] for query in SUMS]
    assert sums[0] == sums[1] != [(None,)]
    assert seed(lake, WORLD, seed=1) == rows
    assert [lake.sql(query)[1] for query in SUMS] == sums
    other = replace(WORLD, brand="c")
    with pytest.raises(HasHistory, match="b has such history"):
        seed(lake, other, seed=1)
    assert [lake.sql(query)[1] for query in SUMS] == sums
