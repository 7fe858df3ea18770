"""Transport-wide feedback is written and parsed as the draft specifies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import Malformed
from media.wire import rtcp, transport_cc
from media.wire.transport_cc import (
    PACKETS_MAX,
    STATUS_COUNT_MAX,
    UNREPORTED_PACKETS_MAX,
    Arrivals,
    TransportFeedback,
)
from tests.support.rtcp_payloads import payload_of

TICK_S = 0.000_25


def read(report: bytes) -> dict[int, float]:
    """The arrival times in a message, by 16-bit sequence number."""
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


def test_arrival_times_are_reported_to_a_quarter_of_a_millisecond() -> None:
    arrivals = Arrivals()
    came = {65_534: 10.0, 65_535: 10.0123, 0: 10.0124, 2: 10.5, 3: 10.45}
    for number, at in came.items():
        arrivals.receive(number, now=at)
    report = arrivals.report(1, 2)
    assert report is not None
    feedback = read(report)
    assert feedback.keys() == came.keys()
    for number, at in came.items():
        assert abs(feedback[number] - at) <= TICK_S
    assert arrivals.report(1, 2) is None


def test_losses_between_two_messages_are_reported() -> None:
    arrivals = Arrivals()
    arrivals.receive(7, now=1.0)
    assert arrivals.report(1, 2)
    arrivals.receive(10, now=1.1)
    report = arrivals.report(1, 2)
    assert report is not None
    assert int.from_bytes(report[12:14], "big") == 8
    assert list(read(report)) == [10]
    assert report[19] == 1, "the feedback packet count"


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 3.0)), min_size=1, max_size=60))
def test_any_arrivals_are_reported_within_one_datagram(packets: list[tuple[int, float]]) -> None:
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


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 3.0)), min_size=1, max_size=60))
def test_parse_reads_our_own_messages(packets: list[tuple[int, float]]) -> None:
    arrivals, now = Arrivals(), 5.0
    for number, wait in packets:
        now += wait
        arrivals.receive(number, now=now)
    while (report := arrivals.report(1, 2)) is not None:
        feedback, expected = transport_cc.parse(payload_of(report)), read(report)
        assert feedback is not None
        last = feedback.first + feedback.last
        assert (feedback.received, last) == (len(expected), max(expected))
        assert feedback.at == pytest.approx(expected[last])
        assert feedback.packets == int.from_bytes(report[14:16], "big")


# Base 5, ..., 64 ms; a chunk each: a run, a vector of two bits, a vector of one bit.
HEAD = bytes.fromhex("00000001 00000002 0005")
CLOCK = bytes.fromhex("000001 00")


@pytest.mark.parametrize(
    ("count", "rest", "came", "last", "at"),
    [
        (2, "2002 04 08", 2, 1, 0.067),
        (3, "d800 04 fffc", 2, 1, 0.064),
        (3, "a800 04 08", 2, 2, 0.067),
        (4, "0003 2001 00", 1, 3, 0.064),
    ],
)
def test_each_kind_of_chunk_is_parsed(
    count: int, rest: str, came: int, last: int, at: float
) -> None:
    feedback = transport_cc.parse(HEAD + count.to_bytes(2, "big") + CLOCK + bytes.fromhex(rest))
    assert feedback is not None and feedback.at == pytest.approx(at)
    assert feedback[:4] == (5, count, came, last)


def test_a_message_without_received_packets_has_no_feedback() -> None:
    assert transport_cc.parse(HEAD + (3).to_bytes(2, "big") + CLOCK + b"\x00\x03") is None


@pytest.mark.parametrize(
    ("count", "rest"),
    [(2, "20"), (2, "2002 04"), (2, "4002 0400 04"), (STATUS_COUNT_MAX + 1, "3fff")],
)
def test_a_broken_message_is_malformed(count: int, rest: str) -> None:
    with pytest.raises(Malformed):
        transport_cc.parse(HEAD + count.to_bytes(2, "big") + CLOCK + bytes.fromhex(rest))


def test_padded_feedback_is_found_in_a_compound_packet() -> None:
    payload = HEAD + (2).to_bytes(2, "big") + CLOCK + bytes.fromhex("2002 04 08")
    padded = payload + bytes([0, 0, 0, 4])
    part = bytes([0x80 | 0x20 | 15, 205]) + (len(padded) // 4).to_bytes(2, "big") + padded
    compound = rtcp.empty_report() + part + rtcp.negative_acknowledgement(2, [7, 8])
    feedback, *others = rtcp.parse(compound)
    assert isinstance(feedback, TransportFeedback) and feedback.received == 2
    assert [lost for packet in others for lost in rtcp.lost_packets(packet)] == [7, 8]


def test_a_host_with_large_number_steps_keeps_bounded_arrivals() -> None:
    arrivals = Arrivals()
    for at in range(3 * UNREPORTED_PACKETS_MAX):
        arrivals.receive(at * 600 & 0xFFFF, now=at * 0.01)
    assert len(arrivals._arrived) <= UNREPORTED_PACKETS_MAX
    feedback = read(arrivals.report(1, 2) or b"")
    assert feedback
