"""The audit of a run: outages from signs, the faults that they follow, and what they come to."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.support.chaos.outages import Continuity, Lane, Outage, aftermaths
from tests.support.chaos.schedule import Fault, Kind
from tests.support.chaos.verdict import BACK_S_MAX, STRICT, Exit, Outcome, report

NODE = Fault(3.0, Kind.NODE, 2.0, "a")
REDIS = Fault(13.0, Kind.REDIS, 1.0)
SOLD = Counter({"orders.tapped": 10, "orders.confirmed": 9, "orders.sold_out": 1})
HELD = Outcome(7, [], [], SOLD)


def continuity(*signs: float) -> Continuity:
    lane = Continuity("video a0", Lane.VIDEO)
    for now in signs:
        lane.seen(now)
    return lane


def test_outage_lasts_from_the_last_sign_to_the_next() -> None:
    lane = continuity(100.0, 100.4, 103.0, 103.1)
    lane.close(103.2)
    assert lane.outages == [Outage("video a0", Lane.VIDEO, 100.4, 103.0)]


def test_outage_to_the_end_of_the_run_has_no_end() -> None:
    lane = continuity(100.0)
    lane.close(104.0)
    assert lane.outages == [Outage("video a0", Lane.VIDEO, 100.0, 104.0, ended=False)]
    assert continuity(100.0).has_it(100.5) and not continuity(100.0).has_it(104.0)


def test_outage_belongs_to_the_last_fault_before_it() -> None:
    first, second = (
        Outage("video a0", Lane.VIDEO, 102.9, 105.0),  # its last packet is older than the fault
        Outage("room a0", Lane.ROOM, 115.0, 116.5),
    )
    early = Outage("room b0", Lane.ROOM, 90.0, 92.0)
    found, unexplained = aftermaths([(103.0, NODE), (113.0, REDIS)], [second, early, first])
    assert [after.outages for after in found] == [(first,), (second,)]
    assert unexplained == [early]
    assert found[0].longest_s(Lane.VIDEO) == pytest.approx(2.1)
    assert (found[0].count(Lane.VIDEO), found[0].count(Lane.ROOM)) == (1, 0)


@pytest.mark.parametrize("name", STRICT)
def test_single_wrong_order_breaks_the_run(name: str) -> None:
    outcome = replace(HELD, orders=SOLD + Counter({name: 1}))
    assert HELD.exit_code is Exit.HELD
    assert outcome.exit_code is Exit.BROKEN
    assert f"BROKEN  {name} is 1" in report(outcome)


def test_unknown_orders_and_a_sick_record_break_the_run() -> None:
    for outcome in (
        replace(HELD, unread=1),
        replace(HELD, orders=Counter({"orders.tapped": 10})),
        replace(HELD, doctor=["record: money sums to zero: 3 fen"]),
        replace(HELD, missing=["a node"]),
    ):
        assert outcome.exit_code is Exit.BROKEN


def test_viewer_who_is_away_for_too_long_is_late_and_breaks_nothing() -> None:
    away = Outage("video a0", Lane.VIDEO, 103.0, 103.0 + BACK_S_MAX)
    found, _ = aftermaths([(103.0, NODE)], [away])
    assert replace(HELD, aftermaths=found).exit_code is Exit.HELD
    for late in (replace(away, until=away.until + 0.1), replace(away, ended=False)):
        found, _ = aftermaths([(103.0, NODE)], [late])
        outcome = replace(HELD, aftermaths=found)
        assert outcome.exit_code is Exit.LATE
        assert "LATE    video a0 was without video" in report(outcome)
