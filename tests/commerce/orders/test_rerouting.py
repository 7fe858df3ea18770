"""Where orders go whose store cannot do them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.promise import WINDOW_MS, RuledOut, RuledOutBy, slot_name
from commerce.orders.rerouting import (
    CONSENT_MS,
    CONSENT_MS_MIN,
    Room,
    consent_by_ms,
    next_store,
)

STORES, ITEMS, SLOTS = "abcd", "xy", ("10", "11")
needs = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 3), min_size=1)
routes = st.lists(
    st.tuples(st.sampled_from(STORES), st.sampled_from(["", " 10", " 10:2 11"])), max_size=6
)
units = st.fixed_dictionaries({(s, i): st.integers(0, 6) for s in STORES for i in ITEMS})
places = st.fixed_dictionaries({(s, n): st.integers(0, 4) for s in STORES for n in SLOTS})


@given(st.lists(needs, max_size=8), routes, units, places)
def test_no_store_that_takes_orders_over_is_overbooked(
    moved: list[dict[str, int]],
    route: list[tuple[str, str]],
    there: dict[tuple[str, str], int],
    free: dict[tuple[str, str], int],
) -> None:
    stock, slots = Counter(there), Counter(free)
    for wanted in moved:
        found = next_store(route, wanted, "a", Room(stock, slots))
        if found.store_id is None:
            assert {out.store_id for out in found.ruled_out} == {s for s, _ in route} - {"a"}
            continue
        assert found.store_id != "a"
        assert found.store_id not in {out.store_id for out in found.ruled_out}
        for item, count in wanted.items():
            stock[found.store_id, item] -= count
        if found.slot:
            slots[found.store_id, found.slot] -= 1
    assert min([*stock.values(), *slots.values()]) >= 0


def test_nearest_store_with_units_and_a_place_takes_the_order_and_others_are_named() -> None:
    # b lacks y; c is full at 10 and keeps two places of 11; d has both.
    room = Room(
        {("b", "x"): 5, ("b", "y"): 0, ("c", "x"): 5, ("c", "y"): 5, ("d", "x"): 1, ("d", "y"): 1},
        {("c", "10"): 0, ("c", "11"): 2, ("d", "10"): 1},
    )
    route = [("a", " 10"), ("b", " 10"), ("c", " 10 11:2"), ("d", " 10")]
    found = next_store(route, {"x": 1, "y": 1}, "a", room)
    assert (found.store_id, found.slot) == ("d", "10")
    assert found.ruled_out == (
        RuledOut("b", RuledOutBy.NO_STOCK, "y"),
        RuledOut("c", RuledOutBy.FULL),
    )


def test_buyers_answer_before_the_window_in_which_the_order_is_packed() -> None:
    now_ms = 1_000 * WINDOW_MS + 1
    later, current = slot_name(1_002 * WINDOW_MS), slot_name(1_000 * WINDOW_MS)
    assert consent_by_ms(later, now_ms=now_ms) == 1_002 * WINDOW_MS
    assert consent_by_ms(current, now_ms=now_ms) == now_ms + CONSENT_MS_MIN
    assert consent_by_ms("", now_ms=now_ms) == now_ms + CONSENT_MS
