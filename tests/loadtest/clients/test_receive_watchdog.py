"""A publisher detects a server that is gone, at the pace at which that server used to report."""

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


def test_server_whose_pace_is_not_known_is_never_silent() -> None:
    watchdog, last = reported(0.1, 5)
    assert not watchdog.is_silent(last + 60.0)
