"""Repairs never take more than their share of a viewer's line."""

from hypothesis import given
from hypothesis import strategies as st

from media.forwarding.bucket import Bucket
from media.forwarding.forwarder import DUPLICATE_LAST_PACKET_S
from media.forwarding.viewer import RETRANSMITS_BURST, RETRANSMITS_PER_S
from tests.support.media_forwarding import FRAME_S, LiveRig


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=400))
def test_whoever_asks_for_more_gets_a_burst_and_then_the_rate(pauses: list[float]) -> None:
    repeats, now, got = Bucket(RETRANSMITS_PER_S, RETRANSMITS_BURST), 0.0, 0
    repeats.per_s = 30.0
    for pause in pauses:
        now += pause
        got += sum(repeats.take(now=now) for _ in range(50))
    assert got <= RETRANSMITS_BURST + 30 * now + 1


def test_a_viewer_within_the_rate_gets_all() -> None:
    repeats = Bucket(RETRANSMITS_PER_S, RETRANSMITS_BURST)
    repeats.per_s = 30.0
    assert all(repeats.take(now=number / 30) for number in range(1_000))


def said_twice(live: LiveRig, seconds: float) -> list[int]:
    """Let pictures come, and return what is said again of them unasked, as 16-bit numbers."""
    before = len(live.recorder.again)
    for _ in range(round(seconds / FRAME_S)):
        live.frame()
        live.tick()
        live.tick()
    again = live.recorder.again[before:]
    return [int.from_bytes(payload[:2], "big") for _, payload in again]


def test_who_comes_from_far_is_said_the_ends_of_its_first_pictures_twice() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    session = live.high_rtt_viewer()
    said_twice(live, FRAME_S)
    before = len(live.seen(session))
    ends = [number & 0xFFFF for number in said_twice(live, DUPLICATE_LAST_PACKET_S / 2)]
    numbers = [number & 0xFFFF for number, _, _ in live.seen(session)[before:]]
    assert ends == numbers[2::3]
    said_twice(live, DUPLICATE_LAST_PACKET_S)
    assert said_twice(live, 1.0) == [], "its delay has grown meanwhile"
    assert not live.forwarder.duplicating


def test_a_newcomers_ends_count_as_repeats_and_stop_with_it() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    session = live.high_rtt_viewer()
    while session.retransmits.take(now=live.now):
        pass
    assert said_twice(live, FRAME_S) == []
    live.forwarder.end(session)
    assert not live.forwarder.duplicating


def test_who_is_near_is_told_of_a_lost_end_soon_enough() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    live.viewer()
    assert said_twice(live, 1.0) == []
