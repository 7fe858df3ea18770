"""How viewers start, and what a PLI brings: a replayed GOP, a resent key frame, or a new one."""

import pytest

from media.forwarding.downlink import RESENT_KEY_FRAME_PACKETS_MAX
from media.forwarding.forwarder import (
    AT_ONCE_PACKETS_MAX,
    HIGH_RTT_GOP_FRAMES_MAX,
    HIGH_RTT_S,
    KEY_FRAME_WAIT_S,
    PACED_PACKETS,
    PADDING_INTERVAL_S,
    PADDING_S,
    REPLAY_INTERVAL_S,
)
from media.forwarding.retransmitter import KEY_FRAME_RESEND_S, PADDING_PACKETS
from media.forwarding.viewer import KEY_FRAMES_PER_S, REPLAYS_BURST, REPLAYS_PER_S
from tests.support.media_forwarding import FRAME_S, TICKS, LiveRig, assert_seamless


def test_a_low_rtt_viewer_gets_the_cached_gop_with_close_timestamps() -> None:
    live = LiveRig(("",))
    live.frame("all")
    live.frame()
    live.frame()
    viewer = live.viewer()
    seen = live.seen(viewer)
    assert len(seen) == 6
    assert seen[0][2], "a key frame first"
    assert 0 < seen[-1][1] - seen[0][1] < TICKS
    assert seen[-1][1] == live.layer("").timestamp
    live.frame()
    assert_seamless(live.seen(viewer))
    assert len(live.seen(viewer)) == 8


def test_a_long_gop_is_replayed_paced() -> None:
    live = LiveRig(("",), packets=5)
    live.frame("all")
    for _ in range(249):
        live.frame()
    viewer = live.viewer()
    assert AT_ONCE_PACKETS_MAX <= len(live.seen(viewer)) < AT_ONCE_PACKETS_MAX + 5
    ticks = 0
    while live.forwarder.catching_up:
        before = len(live.seen(viewer))
        live.tick()
        ticks += 1
        assert len(live.seen(viewer)) - before < PACED_PACKETS + 5
        if ticks % 2 == 0:
            live.frame()
    assert ticks * 0.02 < 2
    live.frame()
    assert_seamless(live.seen(viewer))
    assert live.seen(viewer)[-1][1] == live.layer("").timestamp


def test_a_high_rtt_viewer_starts_at_the_next_key_frame() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    viewer = live.viewer(rtt_s=HIGH_RTT_S)
    assert live.layer("m").keys.pending
    while live.now < 100 + 2 * PADDING_S + HIGH_RTT_GOP_FRAMES_MAX * FRAME_S:
        live.frame()
        live.tick()
    assert live.seen(viewer) == []
    live.frame("m")
    live.frame()
    live.tick()
    seen = live.seen(viewer)
    assert [key for _, _, key in seen] == [True, True, False, False]
    assert_seamless(seen)


def test_a_high_rtt_viewer_replays_the_gop_when_no_key_frame_comes() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    patient, gone = live.viewer(rtt_s=HIGH_RTT_S), live.viewer(rtt_s=HIGH_RTT_S)
    live.forwarder.end(gone)
    joined_at = live.now
    while not live.seen(patient):
        live.frame()
        live.tick()
    waited_s = live.now - joined_at - PADDING_S
    assert KEY_FRAME_WAIT_S < waited_s < KEY_FRAME_WAIT_S + 3 * FRAME_S
    assert live.seen(patient)[0][2]
    assert live.seen(gone) == []
    while live.forwarder.catching_up:
        live.tick()
    live.frame("m")
    assert_seamless(live.seen(patient))
    assert live.seen(patient)[-1][1] == live.layer("m").timestamp


@pytest.mark.parametrize("why", ["short GOP", "PLI ignored"])
def test_a_high_rtt_viewer_replays_a_short_gop_or_one_of_a_host_that_ignores_pli(why: str) -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(2 if why == "short GOP" else HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    for second in range(5 if why == "PLI ignored" else 0):
        live.layer("m").keys.request()
        live.layer("m").keys.due(now=live.now + second)
    viewer = live.high_rtt_viewer()
    assert live.seen(viewer)[0][2]
    assert live.layer("m").keys.sent == (5 if why == "PLI ignored" else 0)


def test_padding_precedes_the_first_frame_of_a_high_rtt_viewer() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer(rtt_s=HIGH_RTT_S)
    for _ in range(round(PADDING_S / PADDING_INTERVAL_S) - 1):
        live.tick()
        live.tick()
        live.pass_time(PADDING_INTERVAL_S)
    live.frame("m")
    assert live.seen(viewer) == [], "no key frame before the padding"
    live.pass_time(PADDING_S)
    live.tick()
    padded = [number for number, payload in live.recorder.resent if set(payload[:-1]) == {0}]
    assert len(padded) == PADDING_PACKETS * (round(PADDING_S / PADDING_INTERVAL_S) - 1)
    first, _, key = live.seen(viewer)[0]
    assert key
    assert [*padded, first] == list(range(padded[0], first + 1))


def test_a_viewer_whose_handshake_end_was_lost_gets_another_key_frame() -> None:
    live = LiveRig()
    live.frame("all")
    for rtt_s in (0.0, HIGH_RTT_S):
        viewer = live.viewer(rtt_s=rtt_s)
        live.pass_time(PADDING_S)
        live.tick()
        live.frame()
        before = len(live.seen(viewer))
        live.forwarder.begin_video(viewer, viewer.downlinks["video"], now=live.now)
        live.pass_time(PADDING_S)
        live.tick()
        live.frame()
        seen = live.seen(viewer)
        assert seen[before][2], "another key frame comes first"
        numbers = [number for number, _, _ in seen]
        assert len(set(numbers)) == len(numbers), "no number is given twice"


@pytest.mark.parametrize("late", [False, True])
def test_a_pli_soon_after_a_key_frame_is_answered_by_resending_it(late: bool) -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.high_rtt_viewer()
    live.frame()
    live.pass_time(KEY_FRAME_RESEND_S if late else 0.0)
    sent = len(live.seen(viewer))
    resent = live.pli(viewer)
    if late:
        assert resent == []
        assert live.seen(viewer)[sent][2], "the GOP is replayed"
        return
    assert len(live.seen(viewer)) == sent
    key_numbers = [number & 0xFFFF for number, _, key in live.seen(viewer) if key]
    assert resent == key_numbers * 2, "each is a slice head"


def test_resent_key_frame_starts_with_slice_heads_and_adds_parameter_sets_on_second_pli() -> None:
    sets, begin, middle, end = (
        b"\x18\x00\x02\x67\x00\x00\x02\x68\x00",
        b"\x7c\x85",
        b"\x7c\x05",
        b"\x7c\x45",
    )
    live = LiveRig(("",), packets=4)
    live.frame("all", payloads=[sets, begin, middle, end])
    viewer = live.high_rtt_viewer()
    live.frame()
    first = live.seen(viewer)[0][0] & 0xFFFF
    assert live.pli(viewer) == [first + 1, first + 1, first + 2, first + 3]
    viewer.rtt.min_s = FRAME_S
    assert live.pli(viewer) == [first, first + 1], "the rest is in flight"
    live.pass_time(FRAME_S)
    assert live.pli(viewer) == [first, first + 1, first, first + 1, first + 2, first + 3]


def test_only_slice_heads_of_a_large_key_frame_are_resent() -> None:
    begin, middle = b"\x7c\x85", b"\x7c\x05"
    live = LiveRig(("",), packets=RESENT_KEY_FRAME_PACKETS_MAX + 1)
    live.frame("all", payloads=[begin] + [middle] * RESENT_KEY_FRAME_PACKETS_MAX)
    viewer = live.high_rtt_viewer()
    live.frame()
    assert live.pli(viewer) == [live.seen(viewer)[0][0] & 0xFFFF]


@pytest.mark.parametrize("why", ["requested", "PLI ignored", "limit reached"])
def test_a_late_pli_of_a_high_rtt_viewer_requests_a_key_frame(why: str) -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.high_rtt_viewer()
    for _ in range(round(KEY_FRAME_RESEND_S / FRAME_S) + HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    keys = live.layer("m").keys
    for second in range(5 if why == "PLI ignored" else 0):
        keys.request()
        keys.due(now=live.now + second)
    while why == "limit reached" and viewer.key_frames.take(now=live.now):
        pass
    before = len(live.seen(viewer))
    live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
    if why == "requested":
        assert keys.pending
        assert len(live.seen(viewer)) == before
    else:
        assert live.seen(viewer)[before][2], "the GOP is replayed"
    live.frame("m")
    assert_seamless(live.seen(viewer))


def test_a_new_key_frame_ends_the_replay_of_the_old_gop() -> None:
    live = LiveRig(("",), packets=5)
    live.frame("all")
    for _ in range(100):
        live.frame()
    viewer = live.viewer()
    live.tick()
    live.frame("all")
    live.tick()
    live.frame()
    assert not live.forwarder.catching_up
    seen = live.seen(viewer)
    assert len(seen) < 200
    assert_seamless(seen)


def test_a_pli_of_a_low_rtt_viewer_replays_the_gop() -> None:
    live = LiveRig()
    live.frame("all")
    live.frame()
    viewer = live.viewer()
    live.frame()
    before = len(live.seen(viewer))
    live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
    assert live.seen(viewer)[before][2]
    assert not live.layer("m").keys.pending, "no key frame is requested"
    live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
    assert len(live.seen(viewer)) == before + 6, "no second replay at once"
    live.frame()
    assert_seamless(live.seen(viewer))


def test_replays_of_a_viewer_are_limited() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    for _ in range(round(10 / FRAME_S)):
        live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
        live.frame("all")
    shown = live.counted["shown_again"]
    assert REPLAYS_BURST <= shown <= REPLAYS_BURST + 10 * REPLAYS_PER_S
    live.pass_time(REPLAY_INTERVAL_S + 1)
    live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
    assert live.counted["shown_again"] == shown + 1


def test_key_frame_requests_of_a_failing_decoder_are_limited() -> None:
    live = LiveRig(packets=AT_ONCE_PACKETS_MAX)
    live.frame("all")
    viewer = live.viewer()
    asked = 0
    for _ in range(10 * 25):
        live.frame()
        live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
        if live.layer("m").keys.due(now=live.now):
            asked += 1
            live.frame("all")
    assert 3 <= asked <= 3 + 10 * KEY_FRAMES_PER_S + 1, "some are requested"
