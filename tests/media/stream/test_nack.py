"""Missing packets are NACKed at once, repeatedly, and up to a limit."""

from hypothesis import given
from hypothesis import strategies as st

from media.stream.nack import NACK_INTERVAL_S, NACKED_PACKETS_MAX, NACKS_PER_PACKET_MAX, Nacks


@given(st.floats(0, 1e9))
def test_a_missing_packet_is_nacked_at_once_at_any_clock_value(now: float) -> None:
    assert Nacks().due([5], now=now) == [5]


def test_a_missing_packet_is_nacked_at_most_nacks_per_packet_max_times() -> None:
    nacks = Nacks()
    nacks_sent = 0
    for step in range(100):
        now = step * NACK_INTERVAL_S / 2
        if nacks.due([7], now=now):
            nacks_sent += 1
    assert nacks_sent == NACKS_PER_PACKET_MAX


def test_too_many_missing_packets_request_a_key_frame() -> None:
    assert Nacks().due(range(NACKED_PACKETS_MAX + 1), now=0) is None


def test_the_first_arrival_of_a_nacked_packet_measures_the_rtt() -> None:
    nacks = Nacks()
    nacks.due([7], now=1.0)
    assert nacks.is_requested(7)
    before = nacks.rtt_s
    nacks.on_packet(7, now=1.2)
    assert not nacks.is_requested(7)
    assert before < nacks.rtt_s < 0.2


def test_a_host_that_retransmits_for_every_nack_is_nacked_once_per_rtt() -> None:
    nacks = Nacks()
    for number in range(40):
        now = number * 1.0
        nacks.due([number], now=now)
        nacks.on_packet(number, now=now + 0.2)
        for _ in range(3):
            nacks.on_packet(number, now=now + 0.3)
    assert nacks.due([100], now=50.0) == [100]
    assert nacks.due([100], now=50.05) == [100], "the first NACK may be lost"
    assert nacks.due([100], now=50.1) == []
    assert nacks.due([100], now=50.06 + nacks.rtt_s) == [100]
