"""When and where an order is ready."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.promise import (
    CHINA_MS,
    HORIZON_MS,
    LEAD_MS,
    SOON_MS,
    WINDOW_MS,
    Fulfilment,
    PackingStore,
    RuledOut,
    RuledOutBy,
    Span,
    bookable,
    capacity,
    encode_ruled_out,
    first_slot,
    is_open,
    open_windows,
    promise_of,
    read_ruled_out,
    read_slots,
    reserve,
    route,
    slot_name,
    spread,
    wave_route,
    wave_slot,
    window_of,
)

PICKUP, DELIVERY = Fulfilment.PICKUP, Fulfilment.DELIVERY
EVERY_DAY = ",".join(["08:00-21:00"] * 7)


def china(day: int, hour: int, minute: int = 0) -> int:
    """A time of June 2026 in China, of which the 1st is a Monday."""
    return int(datetime(2026, 6, day, hour, minute, tzinfo=UTC).timestamp() * 1_000) - CHINA_MS


def window_at(day: int, hour: int, minute: int = 0) -> Span:
    """The window that begins then."""
    return Span(china(day, hour, minute), china(day, hour, minute) + WINDOW_MS)


times = st.integers(china(1, 0), china(28, 0))
stores = st.lists(
    st.builds(
        PackingStore,
        st.sampled_from("abcde"),
        st.sampled_from(["", EVERY_DAY, ",".join([*["09:00-12:30"] * 5, "", ""]), "," * 6]),
        st.sampled_from([None, 0, 3, 40]),
        st.sampled_from([0, china(9, 9), china(28, 0)]),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda store: store.id,
)


def test_packers_make_the_capacity_of_half_an_hour() -> None:
    assert capacity(3, 12) == 18
    assert capacity(0, 12) == 0
    assert capacity(None, 12) is None


def test_a_store_is_open_only_while_all_of_the_window_is() -> None:
    hours = ",".join([*["08:00-21:00"] * 5, "08:15-24:00", ""])
    assert is_open(hours, window_at(1, 8)) and is_open(hours, window_at(1, 20, 30))
    assert not is_open(hours, window_at(1, 7, 30)) and not is_open(hours, window_at(1, 21))
    assert not is_open(hours, window_at(6, 8)) and is_open(hours, window_at(6, 23, 30))
    assert not is_open(hours, window_at(7, 12))
    assert is_open("", window_at(7, 3))


def test_the_part_of_a_window_that_is_over_is_not_sold() -> None:
    window = window_at(1, 18)
    assert reserve(window, 20, now_ms=china(1, 17)) == 0
    assert reserve(window, 20, now_ms=china(1, 18, 15)) == 10
    store = PackingStore("s", EVERY_DAY, 20)
    assert bookable(store, now_ms=china(1, 18, 20))[0] == (window, 14)
    assert bookable(store, now_ms=china(1, 18, 21))[0] == (window_at(1, 18, 30), 0)


@given(times, st.integers(1, 200))
def test_what_is_left_of_a_window_can_still_be_packed_in_it(now_ms: int, orders: int) -> None:
    for window, kept in bookable(PackingStore("s", "", orders), now_ms=now_ms)[:2]:
        left_ms = window.until_ms - max(now_ms, window.from_ms)
        assert (orders - kept) * WINDOW_MS <= orders * left_ms
        assert window.until_ms - now_ms >= LEAD_MS


@given(stores, times, st.sampled_from(Fulfilment))
def test_every_store_is_tried_or_ruled_out(
    drawn: list[PackingStore], now_ms: int, fulfilment: Fulfilment
) -> None:
    found = route(drawn, fulfilment, now_ms=now_ms)
    tried, out = set(found.stores), {ruled.store_id for ruled in found.ruled_out}
    assert tried | out == {store.id for store in drawn}
    assert not tried & out
    by_id = {store.id: store for store in drawn}
    for store_id, text in zip(found.stores, found.slots, strict=True):
        store = by_id[store_id]
        assert store.delivers or fulfilment is PICKUP
        slots = read_slots(text)
        assert bool(slots) == (store.capacity is not None)
        for slot, kept in slots:
            window = window_of(slot)
            assert slot == slot_name(window.from_ms)
            assert is_open(store.opening_hours, window)
            assert window.from_ms >= store.closed_until_ms
            assert now_ms + LEAD_MS <= window.until_ms <= now_ms + HORIZON_MS + WINDOW_MS
            assert 0 <= kept < (store.capacity or 0)
        assert slots == sorted(slots)


@given(stores, times)
def test_the_nearest_store_that_is_open_soon_comes_first(
    drawn: list[PackingStore], now_ms: int
) -> None:
    found = route(drawn, PICKUP, now_ms=now_ms)
    order = [store.id for store in drawn]
    soon = [
        not text or window_of(read_slots(text)[0][0]).from_ms < now_ms + SOON_MS
        for text in found.slots
    ]
    assert soon == sorted(soon, reverse=True)
    for group in (True, False):
        ranks = [
            order.index(id)
            for id, is_soon in zip(found.stores, soon, strict=True)
            if is_soon is group
        ]
        assert ranks == sorted(set(ranks))


def test_the_first_slot_with_more_than_the_reserve_is_taken() -> None:
    text = " 980250:4 980251 980252"
    assert first_slot(text, {"980250": 4, "980251": 0, "980252": 1}) == "980252"
    assert first_slot(text, {"980250": 5}) == "980250"
    assert first_slot(text, {}) is None


def test_goods_are_at_the_door_half_an_hour_after_the_window() -> None:
    slot = slot_name(china(1, 18, 30))
    assert promise_of(slot, PICKUP) == window_at(1, 18, 30)
    assert promise_of(slot, DELIVERY) == window_at(1, 19)


def test_a_wave_is_promised_from_when_all_of_it_is_packed() -> None:
    slot = wave_slot(china(6, 10))
    assert window_of(slot).until_ms == china(6, 10)
    assert promise_of(slot, PICKUP) == window_at(6, 10)


def test_a_wave_is_packed_by_stores_that_are_not_closed_for_long() -> None:
    two = [
        PackingStore("a", EVERY_DAY, 20, closed_until_ms=china(6, 8)),
        PackingStore("b", EVERY_DAY, 20, closed_until_ms=china(7, 8)),
    ]
    found = wave_route(two, china(6, 10), PICKUP, now_ms=china(5, 19))
    assert found.stores == ("a",)
    assert found.slots == (f" {wave_slot(china(6, 10))}",)
    assert found.ruled_out == (RuledOut("b", RuledOutBy.CLOSED),)
    late = wave_route(two, china(6, 10), DELIVERY, now_ms=china(5, 19))
    assert {out.reason for out in late.ruled_out} == {RuledOutBy.NO_DELIVERY}


@given(st.integers(0, 200), st.lists(st.integers(-3, 40), max_size=6))
def test_a_group_fills_windows_as_early_as_there_is_room(orders: int, places: list[int]) -> None:
    free = [(str(number), room) for number, room in enumerate(places)]
    taken = spread(orders, free)
    room = dict(free)
    assert all(0 < units <= room[slot] for slot, units in taken)
    placed = sum(units for _, units in taken)
    assert placed == min(orders, sum(max(0, room) for room in places))
    # Every window before the last one that was taken is full.
    for slot, units in taken[:-1]:
        assert units == room[slot]


@given(stores, times)
def test_open_windows_follow_each_other(drawn: list[PackingStore], now_ms: int) -> None:
    for store in drawn:
        windows = open_windows(store, now_ms=now_ms)
        assert windows == sorted(windows, key=lambda window: window.from_ms)
        assert all(window.from_ms % WINDOW_MS == 0 for window in windows)
        assert len(windows) <= math.ceil(HORIZON_MS / WINDOW_MS) + 1


@pytest.mark.parametrize("detail", ["", "tea"])
def test_what_was_ruled_out_is_read_as_it_was_written(detail: str) -> None:
    out = [RuledOut("s1", RuledOutBy.CLOSED), RuledOut("s2", RuledOutBy.NO_STOCK, detail)]
    assert read_ruled_out(encode_ruled_out(out)) == out
    assert read_ruled_out("") == []
