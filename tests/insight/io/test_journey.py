"""History of other shops, from files as the wheel has them, which are made here."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from insight.errors import HasHistory
from insight.io.journey import seed_journey
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.simulated_rows import Good, Place, World
from tests.support.lake_facts import FactMaker

WORLD = World(
    brand="b",
    room="demo",
    places=(Place("e1", "s1"), Place("e2", "s2")),
    goods=(Good("milk", 500, 3, 0.0), Good("beef", 3_000, 3, 0.0)),
    first_day=date(2025, 11, 28),
)
PRODUCTS = "(1, 'GROCERY', 'MILK'), (2, 'MEAT', 'BEEF'), (3, 'FUEL', 'GAS'), (4, 'DELI', 'HAM')"
# Household, basket, product, quantity, dollars, time; the last three are left out.
LINES = """
(7, 70, 1, 2, 1.5, TIMESTAMP '2017-12-31 18:05:00'),
(7, 70, 2, 1, 8.0, TIMESTAMP '2017-12-31 18:05:00'),
(8, 80, 1, 1, 0.8, TIMESTAMP '2018-01-01 09:00:00'),
(8, 81, 3, 9, 20.0, TIMESTAMP '2018-01-01 09:30:00'),
(8, 82, 1, 9000, 5.0, TIMESTAMP '2018-01-01 09:40:00'),
(8, 83, 4, 1, 5.0, TIMESTAMP '2018-01-01 09:50:00')
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the wheel, small."""
    duckdb.sql(
        f"COPY (SELECT * FROM (VALUES {PRODUCTS}) p(product_id, department, product_type)) "
        f"TO '{tmp_path}/products.parquet'"
    )
    names = "household_id, basket_id, product_id, quantity, sales_value, transaction_timestamp"
    duckdb.sql(
        f"COPY (SELECT * FROM (VALUES {LINES}) t({names})) TO '{tmp_path}/transactions.parquet'"
    )
    return tmp_path


def test_baskets_come_once_at_their_weekday_and_time_of_day_and_are_marked(
    folder: Path, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for _ in range(2):
        assert seed_journey(lake, folder, WORLD) == {"order_lines": 3, "money": 2}
    lines = lake.sql(
        "SELECT order_id, line, product_id, units, total_fen, before_fen, estate, person, day "
        "FROM order_lines ORDER BY order_id, line"
    )[1]
    # 2026-11-27 is the world's last day; 2018-01-01 was a Monday, and so is 2026-11-23.
    assert lines == [
        ("cj-70", 0, "milk", 2, 150, 0, "e2", "cj-7", "2026-11-22"),
        ("cj-70", 1, "beef", 1, 800, 150, "e2", "cj-7", "2026-11-22"),
        ("cj-80", 0, "milk", 1, 80, 0, "e1", "cj-8", "2026-11-23"),
    ]
    gold = "SELECT hour, units, paid_fen, simulated FROM sales_hourly WHERE estate = 'e1'"
    [(hour, *sold)] = lake.sql(gold)[1]
    assert (hour.isoformat(), sold) == ("2026-11-23T01:00:00+00:00", [1, 80, True])


def test_the_history_of_other_shops_is_not_mixed_with_the_brand_s_own(
    folder: Path, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    history = FactMaker(at_ms=1_795_400_000_000)  # 2026-11-22
    history.order("o1", ("tea", 2, 1_000))
    writer = LakeWriter(lake)
    writer.position("record")
    writer.write(history.made)
    with pytest.raises(HasHistory, match="1 transfers"):
        seed_journey(lake, folder, WORLD)
