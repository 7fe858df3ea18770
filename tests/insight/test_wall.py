"""The figures of the wall, in virtual time."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from insight.facts import Fact
from insight.wall import Wall, bucket_of, by_estate, by_room, curve, figures, open_groups
from tests.support.lake_facts import AT_MS, FactMaker

MINUTE_MS = 60_000


def group(state: str, joined: int, ends_at_ms: int = AT_MS + 5 * MINUTE_MS) -> dict[str, object]:
    return {
        "group_id": "g1",
        "product_id": "pear",
        "state": state,
        "joined": joined,
        "target": 3,
        "price_fen": 600,
        "ends_at_ms": ends_at_ms,
    }


def evening() -> list[Fact]:
    """Two orders, one packed in time, one late; a group that is reached; a refund."""
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501))
    history.order("o2", ("tea", 1, 500))
    history.add("group.changed", group("open", 1), trace="g1")
    history.at_ms += 10 * MINUTE_MS
    history.moved("o1", 2, "new", "picking")
    history.moved("o1", 3, "picking", "packed")
    history.money("o2", "refund", 200)
    history.add("group.changed", group("reached", 3), trace="g1")
    history.at_ms += 25 * MINUTE_MS
    history.moved("o2", 2, "new", "packed")
    history.moved("o1", 4, "packed", "handed_over")
    return history.made


def wall_of(facts: list[Fact]) -> Wall:
    wall = Wall()
    for fact in facts:
        wall.apply(fact)
    return wall


def test_figures_are_those_counted_by_hand() -> None:
    wall, now_ms = wall_of(evening()), AT_MS + 35 * MINUTE_MS
    shown = figures(wall, None, now_ms=now_ms)
    assert (shown.gmv_fen, shown.paid_fen, shown.refunded_fen) == (1_801, 2_001, 200)
    assert (shown.orders, shown.units, shown.refunds) == (2, 4, 1)
    assert (shown.packed, shown.packed_on_time, shown.late_orders) == (2, 1, 0)
    assert (shown.groups_open, shown.groups_reached, shown.groups_reached_today) == (0, 1, 1)
    assert sum(shown.orders_by_minute) == 0 and len(shown.orders_by_minute) == 31
    assert sum(curve(wall, now_ms=now_ms)) == 1_801
    assert by_estate(wall, now_ms=now_ms)["e1"].gmv_fen == 1_801
    assert by_room(wall, now_ms=now_ms)["demo"].orders == 2
    assert open_groups(wall) == {"e1": 1}


def test_an_order_is_late_while_it_is_due_and_not_packed() -> None:
    wall = wall_of(evening()[:5])
    soon = figures(wall, None, now_ms=AT_MS + 29 * MINUTE_MS)
    late = figures(wall, None, now_ms=AT_MS + 31 * MINUTE_MS)
    assert (soon.open_orders, soon.late_orders, soon.groups_open) == (2, 0, 1)
    assert (late.open_orders, late.late_orders) == (2, 2)
    assert soon.groups_expiring == 1


def test_last_week_counts_until_the_same_time_of_day() -> None:
    last_week = [600] * 144
    bucket = bucket_of(AT_MS)
    into_ms = AT_MS % 600_000
    shown = figures(Wall(), last_week, now_ms=AT_MS)
    assert shown.last_week_gmv_fen == bucket * 600 + 600 * into_ms // 600_000


@given(cuts=st.lists(st.integers(0, 12), max_size=4))
def test_a_wall_that_is_saved_anywhere_and_told_again_is_the_same(cuts: list[int]) -> None:
    facts = evening()
    wall = Wall()
    for cut in [*sorted(cuts), len(facts)]:
        for fact in facts[:cut]:
            wall.apply(fact)
        wall = msgspec.msgpack.decode(msgspec.msgpack.encode(wall), type=Wall)
    assert wall == wall_of(facts)


def test_yesterday_is_kept_and_the_day_before_is_not() -> None:
    history = FactMaker()
    for day in range(3):
        history.at_ms = AT_MS + day * 86_400_000
        history.order(f"o{day}", ("tea", 1, 500))
    wall = wall_of(history.made)
    assert [wall.days[name].total.orders for name in sorted(wall.days)] == [1, 1]
    assert figures(wall, None, now_ms=history.at_ms).gmv_fen == 500
