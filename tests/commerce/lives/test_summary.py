"""The summary of a live: audience, orders by minute, the best minute."""

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.lives.summary import MINUTE_MS, BestMinute, LiveRun, SoldOrder, noted, summary_of

START = 1_700_000_000_000
RUN = LiveRun("demo", START, START + 10 * MINUTE_MS, 0, 0, ())


def sold(minute: float, total_fen: int = 1_000, household: str = "h") -> SoldOrder:
    """An order of a minute of the live."""
    return SoldOrder(START + int(minute * MINUTE_MS), household, total_fen, 1)


def test_audience_is_the_most_at_once_and_the_time_of_all() -> None:
    run = RUN
    for at_s, viewers in ((10, 3), (20, 9), (70, 6)):
        run = noted(run, viewers, viewers * 10, at_ms=START + at_s * 1_000)
    assert (run.viewers_max, run.viewer_s, run.viewers_by_minute) == (9, 180, (9, 6))
    found = summary_of(run, [], [], now_ms=0)
    assert (found.minutes, found.minutes_watched, found.viewers_average) == (10, 3, 0)
    assert (found.best_minute, found.orders_by_minute) == (None, (0,) * 10)


def test_best_minute_has_the_most_orders_then_the_most_money_then_comes_first() -> None:
    run = noted(RUN, 40, 400, at_ms=START + 3 * MINUTE_MS)
    orders = [sold(1), sold(1.5), sold(3, 1_500), sold(3.9, 700), sold(7, 9_000)]
    found = summary_of(run, orders, ["Is it fresh?"], now_ms=0)
    assert found.best_minute == BestMinute(START + 3 * MINUTE_MS, 2, 2_200, 40)
    assert (found.orders, found.households, found.total_fen) == (5, 1, 13_200)
    assert found.questions_open == ("Is it fresh?",)
    tie = summary_of(RUN, [sold(5), sold(2)], [], now_ms=0)
    assert tie.best_minute == BestMinute(START + 2 * MINUTE_MS, 1, 1_000, 0)


def test_live_on_air_is_summed_up_until_now() -> None:
    run = LiveRun("demo", START, None, 0, 0, ())
    found = summary_of(run, [sold(0)], [], now_ms=START + 90_000)
    assert (found.minutes, found.ended_at_ms) == (2, START + 90_000)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 9.99), max_size=20))
def test_every_order_is_in_one_minute_and_the_best_has_no_fewer(minutes: list[float]) -> None:
    found = summary_of(RUN, [sold(minute) for minute in minutes], [], now_ms=0)
    assert sum(found.orders_by_minute) == len(minutes) == found.orders
    if found.best_minute is not None:
        assert found.best_minute.orders == max(found.orders_by_minute)
