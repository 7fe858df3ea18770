"""The audit holds orders of items and sets against the stock of the items."""

from collections import Counter

import pytest

from loadtest.runner.audit import Books
from loadtest.runner.target import Found

BEFORE = Found(
    ("e1",), ("meal", "fish", "soup"), {"fish": 20, "soup": 30}, {"meal": {"fish": 1, "soup": 2}}
)


@pytest.mark.parametrize(
    ("sold", "after", "oversold", "difference"),
    [
        ({"meal": 5, "fish": 3}, {"fish": 12, "soup": 20}, 0, 0),
        ({"meal": 5, "fish": 3}, {"fish": 12, "soup": 25}, 0, 5),
        ({"meal": 15, "fish": 6}, {"fish": 0, "soup": 0}, 1, 1),
        ({"soup": 1}, {"fish": 20, "soup": -1}, 1, 30),
        ({}, {}, 0, 0),
    ],
)
def test_a_set_takes_the_units_of_its_parts(
    sold: dict[str, int], after: dict[str, int], oversold: int, difference: int
) -> None:
    counts = Books(units=Counter(sold)).judge(BEFORE, after)
    assert (counts["orders.oversold"], counts["orders.counter_difference"]) == (
        oversold,
        difference,
    )
