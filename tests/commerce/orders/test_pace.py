"""The pace of a store: nearest-rank percentiles, and what was ready in time."""

from commerce.orders.pace import Pace, Readied, pace_of


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    readied = [Readied(0, minute, 30) for minute in range(1, 41)]
    assert pace_of(readied, 7) == Pace(orders=40, on_time=30, p50_ms=20, p95_ms=38, since_ms=7)


def test_of_no_orders_there_is_no_percentile() -> None:
    assert pace_of([], 0) == Pace(0, 0, None, None, 0)


def test_an_order_without_a_promise_is_in_time() -> None:
    assert pace_of([Readied(5, 9, None)], 0) == Pace(1, 1, 4, 4, 0)
