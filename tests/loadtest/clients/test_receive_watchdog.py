"""A publisher detects a server that is gone, at the pace at which that server used to report."""

import random

from loadtest.clients.receive_watchdog import ReceiveWatchdog


def reported(interval_s: float, packets: int) -> tuple[ReceiveWatchdog, float]:
    watchdog = ReceiveWatchdog()
    for number in range(packets):
        watchdog.received(number * interval_s)
    return watchdog, (packets - 1) * interval_s


def test_server_that_reported_ten_times_a_second_is_gone_after_a_second_and_a_half() -> None:
    watchdog, last = reported(0.1, 20)
    assert not watchdog.is_silent(last + 1.4)
    assert watchdog.is_silent(last + 1.6)
    watchdog.received(last + 1.4)
    assert not watchdog.is_silent(last + 1.6)


def test_server_that_reports_rarely_has_more_time() -> None:
    watchdog, last = reported(1.0, 10)
    assert not watchdog.is_silent(last + 3.9)
    assert watchdog.is_silent(last + 4.1)


def test_one_pause_of_the_server_is_forgotten_after_two_seconds() -> None:
    watchdog, last = reported(0.1, 20)
    for number in range(21):
        watchdog.received(last + 1.4 + number * 0.1)
    last += 1.4 + 2.0
    assert not watchdog.is_silent(last + 1.4)
    assert watchdog.is_silent(last + 1.6)


def test_server_whose_intervals_are_drawn_at_random_is_not_taken_for_gone() -> None:
    rng = random.Random(1)
    watchdog, now = ReceiveWatchdog(), 0.0
    for _ in range(2_000):
        now += 5.0 * rng.uniform(0.5, 1.5)
        assert not watchdog.is_silent(now)
        watchdog.received(now)


def test_server_whose_pace_is_not_known_is_never_silent() -> None:
    watchdog, last = reported(0.1, 5)
    assert not watchdog.is_silent(last + 60.0)
