"""When a cold cabinet is in alarm."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.supply.cabinets import (
    DOOR_MS,
    OPEN_MS,
    Alarm,
    CabinetState,
    Range,
    Reading,
    step,
)

CHILLED = Range(0, 40)


def after(*readings: tuple[int, int, bool, bool]) -> CabinetState:
    """The state after (at s, tenths, door open, powered)."""
    state = CabinetState()
    for number, (at_s, tenths, is_open, powered) in enumerate(readings, 1):
        state = step(state, CHILLED, Reading(number, at_s * 1_000, tenths, is_open, powered))
    return state


def test_out_of_range_with_the_door_shut_is_an_alarm_at_once() -> None:
    assert after((0, 40, False, True)).alarm is None
    assert after((0, 0, False, True), (9, 41, False, True)).alarm is Alarm.TOO_WARM
    cold = after((0, 20, False, True), (30, -1, False, True), (60, -1, False, True))
    assert (cold.alarm, cold.alarm_since_ms) == (Alarm.TOO_COLD, 30_000)


def test_no_power_is_an_alarm_at_any_temperature() -> None:
    assert after((0, 20, False, False)).alarm is Alarm.NO_POWER


def test_a_shop_that_fills_the_cabinet_has_two_minutes_and_five_with_the_door_open() -> None:
    warm = (0, 60, True, True)
    assert after(warm, (DOOR_MS // 1_000 - 1, 60, True, True)).alarm is None
    assert after(warm, (DOOR_MS // 1_000, 60, True, True)).alarm is Alarm.TOO_WARM
    right = (0, 20, True, True)
    assert after(right, (OPEN_MS // 1_000 - 1, 20, True, True)).alarm is None
    assert after(right, (OPEN_MS // 1_000, 20, True, True)).alarm is Alarm.DOOR_OPEN


def test_an_alarm_is_over_in_range_with_the_door_shut() -> None:
    warm = (0, 60, False, True)
    assert after(warm, (30, 20, True, True)).alarm is Alarm.TOO_WARM
    assert after(warm, (30, 20, True, True), (60, 20, False, True)) == CabinetState(3)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(-50, 90), st.booleans(), st.booleans(), st.integers(0, 400)),
        max_size=12,
    )
)
def test_readings_that_come_twice_change_nothing_and_an_alarm_keeps_its_begin(
    drawn: list[tuple[int, bool, bool, int]],
) -> None:
    at_s, states, once = 0, [CabinetState()], []
    for number, (tenths, is_open, powered, wait_s) in enumerate(drawn, 1):
        at_s += wait_s
        once.append(Reading(number, at_s * 1_000, tenths, is_open, powered))
        states.append(step(states[-1], CHILLED, once[-1]))
    doubled = CabinetState()
    for at, reading in enumerate(once):
        for again in (*once[max(0, at - 2) : at], reading):
            doubled = step(doubled, CHILLED, again)
    assert doubled == states[-1]
    for before, now in pairwise(states):
        assert (now.alarm is None) == (now.alarm_since_ms is None)
        if before.alarm and now.alarm:
            assert now.alarm_since_ms == before.alarm_since_ms
