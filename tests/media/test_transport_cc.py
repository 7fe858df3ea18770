"""What a host is told of its packets' arrival, read back as the draft says."""

from hypothesis import given
from hypothesis import strategies as st

from media.transport_cc import PACKETS_MAX, Arrivals

TICK_S = 0.000_25


def read(report: bytes) -> dict[int, float]:
    """The arrivals that a report tells, by full 16-bit number."""
    assert report[0] == 0x8F and report[1] == 205
    assert len(report) == 4 * (int.from_bytes(report[2:4], "big") + 1)
    first, count = int.from_bytes(report[12:14], "big"), int.from_bytes(report[14:16], "big")
    at = int.from_bytes(report[16:19], "big", signed=True) * 0.064
    place, symbols = 20, list[int]()
    while len(symbols) < count:
        chunk = int.from_bytes(report[place : place + 2], "big")
        place += 2
        if chunk & 0x8000:
            assert chunk & 0x4000, "vectors of two bits"
            symbols += [chunk >> shift & 3 for shift in range(12, -2, -2)]
        else:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
    arrivals = {}
    for offset, symbol in enumerate(symbols[:count]):
        if symbol:
            delta = int.from_bytes(report[place : place + symbol], "big", signed=symbol == 2)
            place += symbol
            at += delta * TICK_S
            arrivals[first + offset & 0xFFFF] = at
    return arrivals


def test_arrivals_are_told_to_a_quarter_of_a_millisecond() -> None:
    arrivals = Arrivals()
    came = {65_534: 10.0, 65_535: 10.0123, 0: 10.0124, 2: 10.5, 3: 10.45}
    for number, at in came.items():
        arrivals.receive(number, now=at)
    report = arrivals.report(1, 2)
    assert report is not None
    told = read(report)
    assert told.keys() == came.keys()
    for number, at in came.items():
        assert abs(told[number] - at) <= TICK_S
    assert arrivals.report(1, 2) is None


def test_what_was_lost_between_two_reports_is_told() -> None:
    arrivals = Arrivals()
    arrivals.receive(7, now=1.0)
    assert arrivals.report(1, 2)
    arrivals.receive(10, now=1.1)
    report = arrivals.report(1, 2)
    assert report is not None
    assert int.from_bytes(report[12:14], "big") == 8
    assert list(read(report)) == [10]
    assert report[19] == 1, "the second report"


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 3.0)), min_size=1, max_size=60))
def test_any_arrivals_can_be_told(packets: list[tuple[int, float]]) -> None:
    arrivals, now = Arrivals(), 5.0
    for number, wait in packets:
        now += wait
        arrivals.receive(number, now=now)
    reports = []
    while (report := arrivals.report(1, 2)) is not None:
        reports.append(read(report))
        assert len(report) < 1_400
        assert len(reports[-1]) <= PACKETS_MAX
        assert len(reports) <= len(packets)
    assert set().union(*reports) == {number for number, _ in packets}
