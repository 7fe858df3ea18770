"""Retransmits never take more than their share of a viewer's link."""

from hypothesis import given
from hypothesis import strategies as st

from media.forwarding.bucket import Bucket
from media.forwarding.forwarder import DUPLICATE_LAST_PACKET_S
from media.forwarding.viewer import RETRANSMITS_BURST, RETRANSMITS_PER_S
from tests.support.media_forwarding import FRAME_S, LiveRig


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=400))
def test_retransmits_are_limited_to_a_burst_and_then_a_rate(pauses: list[float]) -> None:
    bucket, now, taken = Bucket(RETRANSMITS_PER_S, RETRANSMITS_BURST), 0.0, 0
    bucket.per_s = 30.0
    for pause in pauses:
        now += pause
        taken += sum(bucket.take(now=now) for _ in range(50))
    assert taken <= RETRANSMITS_BURST + 30 * now + 1


def test_a_viewer_within_the_rate_is_resent_everything() -> None:
    bucket = Bucket(RETRANSMITS_PER_S, RETRANSMITS_BURST)
    bucket.per_s = 30.0
    assert all(bucket.take(now=number / 30) for number in range(1_000))


def duplicated(live: LiveRig, seconds: float) -> list[int]:
    """Let frames come; return which packets are sent twice, as 16-bit numbers."""
    before = len(live.recorder.resent)
    for _ in range(round(seconds / FRAME_S)):
        live.frame()
        live.tick()
        live.tick()
    again = live.recorder.resent[before:]
    return [int.from_bytes(payload[:2], "big") for _, payload in again]


def test_a_high_rtt_viewer_gets_the_last_packet_of_its_first_frames_twice() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    viewer = live.high_rtt_viewer()
    duplicated(live, FRAME_S)
    before = len(live.seen(viewer))
    ends = [number & 0xFFFF for number in duplicated(live, DUPLICATE_LAST_PACKET_S / 2)]
    numbers = [number & 0xFFFF for number, _, _ in live.seen(viewer)[before:]]
    assert ends == numbers[2::3]
    duplicated(live, DUPLICATE_LAST_PACKET_S)
    assert duplicated(live, 1.0) == [], "its playout delay has grown meanwhile"
    assert not live.forwarder.duplicating


def test_duplicated_last_packets_count_as_retransmits_and_end_with_the_viewer() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    viewer = live.high_rtt_viewer()
    while viewer.retransmits.take(now=live.now):
        pass
    assert duplicated(live, FRAME_S) == []
    live.forwarder.end(viewer)
    assert not live.forwarder.duplicating


def test_a_low_rtt_viewer_gets_no_duplicates() -> None:
    live = LiveRig(("",), packets=3)
    live.frame("all")
    live.viewer()
    assert duplicated(live, 1.0) == []
