"""Key figures, beside those counted by hand."""

import pytest

from insight.io.kpi import read_ramp, rows_of
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.kpi import BY_ID, Groups, KpiRow, Stated, kpi, month_before, store_groups
from tests.support.lake_facts import FactMaker

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
AUGUST_31_MS = 1_788_148_800_000  # 2026-08-31 12:00 in China, a Monday


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """August: p1 and p2 buy. September: p1 twice, in two weeks, p3 once; p3 gets 100 fen back.

    Promised in half an hour, o3 is packed after twenty minutes, o5 after ten, o4 after an hour.
    Tea comes on September 14 at 13:00, is sold out at 15:00, and there again from 18:00 on.
    """
    history = FactMaker(at_ms=AUGUST_31_MS)
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 500), person="p1")
    history.order("o2", ("tea", 1, 500), person="p2")
    history.at_ms += 7 * DAY_MS  # September 7
    history.order("o3", ("tea", 1, 500), person="p1")
    history.at_ms += 20 * 60_000
    history.moved("o3", 2, "new", "packed")
    history.moved("o3", 3, "packed", "handed_over")
    history.at_ms += 7 * DAY_MS - 20 * 60_000  # September 14
    history.order("o4", ("tea", 1, 500), person="p1")
    history.order("o5", ("tea", 1, 500), person="p3")
    history.money("o5", "refund", 100)
    history.at_ms += HOUR_MS // 6
    history.moved("o5", 2, "new", "packed")
    history.at_ms += HOUR_MS - HOUR_MS // 6
    history.moved("o4", 2, "new", "packed")
    history.moved("o4", 3, "packed", "handed_over")
    place = {"product_id": "tea", "lot_id": "l", "kind": "receive"}
    history.add("lot.moved", {**place, "from_id": "supplier", "to_id": "shop:s1", "units": 40})
    history.add("lot.moved", {**place, "from_id": "shop:s1", "to_id": "waste", "units": 3})
    for hours, kind, units in (
        (0, "receive", 13),
        (2, "sell", 10),
        (3, "release", 2),
        (0, "sell", 1),
    ):
        history.at_ms += hours * HOUR_MS
        stock = {"product_id": "tea", "store_id": "s1", "kind": kind, "units": units}
        history.add("stock.moved", stock)
    here = Lake(str(tmp_path_factory.mktemp("lake")))
    writer = LakeWriter(here)
    writer.position("record")
    writer.write(history.made)
    return here


NOW_MS = AUGUST_31_MS + 60 * DAY_MS
UNTIL_OCTOBER_MIN = (16 * 24 + 11) * 60  # from September 14, 13:00
STATED = {
    Stated.LEADERS: {"e1": 2},
    Stated.AREA_M2: {"s1": 50, "s2": 80},
    Stated.STAFF_HOURS: {"s1": 70},
}


@pytest.mark.parametrize(
    ("id", "september", "august"),
    [
        ("gmv_per_estate", ("e1", 1_400, 1), ("e1", 2_000, 1)),
        ("repurchase_twice", ("e1", 1, 2), ("e1", 0, 2)),  # p1 of p1, p3
        ("repurchase_again", ("e1", 1, 2), None),  # p1 of p1, p2
        ("repurchase_weekly", ("e1", 2, 3), None),  # of Aug 31: p1, not p2; of Sep 7: p1
        ("households_per_leader", ("e1", 1, 2), None),  # p1 got o3 and o4
        ("packed_on_time", ("e1", 2, 3), None),
        ("waste", ("s1", 3, 40), None),
        ("sell_through", ("s1", 9, 13), None),
        ("stock_out", ("s1", 3 * 60, UNTIL_OCTOBER_MIN), None),
        ("gmv_per_m2", ("s1", 1_400, 50), ("s1", 2_000, 50)),
        ("gmv_per_staff_hour", ("s1", 1_400, 70), ("s1", 2_000, 70)),
    ],
)
def test_a_figure_is_the_one_counted_by_hand(
    lake: Lake, id: str, september: tuple[str, int, int], august: tuple[str, int, int] | None
) -> None:
    for month, expected in (("2026-09", september), ("2026-08", august)):
        found = rows_of(lake, BY_ID[id], "b", month, STATED, now_ms=NOW_MS)
        assert found == ([KpiRow(*expected)] if expected else [])
    assert rows_of(lake, BY_ID[id], "other", "2026-09", STATED, now_ms=NOW_MS) == []


@pytest.mark.parametrize("id", ["households_per_leader", "gmv_per_m2", "gmv_per_staff_hour"])
def test_a_figure_whose_whole_nobody_stated_has_no_rows(lake: Lake, id: str) -> None:
    for stated in ({}, {Stated.AREA_M2: {"s1": 0}, Stated.STAFF_HOURS: {"s2": 9}}):
        assert rows_of(lake, BY_ID[id], "b", "2026-09", stated, now_ms=NOW_MS) == []


def test_an_estate_grows_from_its_first_month(lake: Lake) -> None:
    ramp = read_ramp(lake, "b", "2026-09", now_ms=NOW_MS)
    assert [(one.month, one.age_months, one.gmv_fen) for one in ramp] == [
        ("2026-08", 0, 2_000),
        ("2026-09", 1, 1_400),
    ]


def test_pilots_are_compared_by_the_change_of_each_estate() -> None:
    waste = BY_ID["waste"]
    baseline = [KpiRow(key, 10, 100) for key in "abcdef"]
    rows = [
        KpiRow(key, part, 100) for key, part in zip("abcdef", (4, 6, 5, 10, 11, 9), strict=True)
    ]
    groups = Groups(frozenset("abc"), frozenset("def"))
    found = kpi(waste, "2026-09", rows, "2026-08", baseline, groups)
    assert (found.value, found.baseline) == (45 / 600, 0.1)
    # Changes −.06, −.04, −.05 and 0, .01, −.01: both variances .0001, so 4 degrees of freedom.
    half = 2.7764 * (2 * 0.0001 / 3) ** 0.5
    difference = found.comparison
    assert (difference.pilots, difference.controls) == (3, 3)
    assert difference.difference == pytest.approx(-0.05)
    assert difference.low == pytest.approx(-0.05 - half, abs=1e-5)
    assert difference.high == pytest.approx(-0.05 + half, abs=1e-5)
    alone = kpi(
        waste, "2026-09", rows, "2026-08", baseline, Groups(frozenset("a"), groups.controls)
    )
    assert alone.comparison.difference == pytest.approx(-0.06) and alone.comparison.low is None
    nobody = kpi(waste, "2026-09", rows, "2026-08", [], groups)
    assert (nobody.baseline, nobody.comparison.difference) == (None, None)


def test_a_store_of_both_sides_is_neither_pilot_nor_control() -> None:
    stores = {"e1": "s1", "e2": "s1", "e3": "s2", "e4": "s3"}
    assert store_groups({"e1", "e3"}, stores) == Groups(frozenset({"s2"}), frozenset({"s3"}))


def test_a_month_without_data_has_no_value() -> None:
    assert KpiRow("s1", 0, 0).value is None
    assert KpiRow("s1", 3, 40).value == 0.075
    assert (month_before("2026-01"), month_before("2026-11")) == ("2025-12", "2026-10")
