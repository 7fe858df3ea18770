"""Key figures, beside those counted by hand."""

import pytest

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.kpi import FORMULAS, Kpi, month_before, query_of
from tests.support.lake_facts import FactMaker

DAY_MS = 86_400_000
AUGUST_31_MS = 1_788_148_800_000  # 2026-08-31 12:00 in China, a Monday


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """August: p1 and p2 buy. September: p1 twice, in two weeks, p3 once; p3 gets 100 fen back."""
    history = FactMaker(at_ms=AUGUST_31_MS)
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 500), person="p1")
    history.order("o2", ("tea", 1, 500), person="p2")
    history.at_ms += 7 * DAY_MS  # September 7
    history.order("o3", ("tea", 1, 500), person="p1")
    history.at_ms += 7 * DAY_MS  # September 14
    history.order("o4", ("tea", 1, 500), person="p1")
    history.order("o5", ("tea", 1, 500), person="p3")
    history.money("o5", "refund", 100)
    place = {"product_id": "tea", "lot_id": "l", "kind": "receive"}
    history.add("lot.moved", {**place, "from_id": "supplier", "to_id": "shop:s1", "units": 40})
    history.add("lot.moved", {**place, "from_id": "shop:s1", "to_id": "waste", "units": 3})
    for kind, units in (("receive", 40), ("sell", 12), ("release", 2)):
        stock = {"product_id": "tea", "store_id": "s1", "kind": kind, "units": units}
        history.add("stock.moved", stock)
    here = Lake(str(tmp_path_factory.mktemp("lake")))
    writer = LakeWriter(here)
    writer.position("record")
    writer.write(history.made)
    return here


@pytest.mark.parametrize(
    ("id", "september", "august"),
    [
        ("gmv_per_estate", (1_400, 1), (2_000, 1)),
        ("repurchase_twice", (1, 2), (0, 2)),  # p1 of p1, p3
        ("repurchase_again", (1, 2), (0, 0)),  # p1 of p1, p2
        ("repurchase_weekly", (2, 3), (0, 0)),  # of Aug 31: p1, not p2; of Sep 7: p1
        ("waste", (3, 40), (0, 0)),
        ("sell_through", (10, 40), (0, 0)),
    ],
)
def test_a_figure_is_the_one_counted_by_hand(
    lake: Lake, id: str, september: tuple[int, int], august: tuple[int, int]
) -> None:
    [formula] = [each for each in FORMULAS if each.id == id]
    assert lake.sql(query_of(formula, "b", "2026-09"))[1] == [september]
    assert lake.sql(query_of(formula, "b", "2026-08"))[1] == [august]
    assert lake.sql(query_of(formula, "other", "2026-09"))[1] == [(0, 0)]


def test_a_month_without_data_has_no_value() -> None:
    assert Kpi("waste", "share", "2026-09", 0, 0, None).value is None
    assert Kpi("waste", "share", "2026-09", 3, 40, None).value == 0.075
    assert (month_before("2026-01"), month_before("2026-11")) == ("2025-12", "2026-10")
