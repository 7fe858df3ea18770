"""Joins, replays and layer changes of viewers: numbers and timestamps have no seam."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from media.stream.layer import SILENT_S, Layer
from media.stream.timeline import LAYER_DROPPED_S
from tests.support.media_forwarding import CODEC, FRAME_S, TICKS, LiveRig, assert_seamless


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


def test_a_viewer_changes_layers_at_a_key_frame() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(60):
        live.frame()
    viewer = live.viewer()
    assert live.sees(viewer) == "m"
    live.choose(viewer, "h")
    live.frame()
    assert live.sees(viewer) == "m"
    assert live.layer("h").keys.pending
    live.frame("h")
    assert live.sees(viewer) == "h"
    live.frame()
    assert_seamless(live.seen(viewer))


def test_a_viewer_changes_layers_at_once_after_a_recent_key_frame() -> None:
    live = LiveRig()
    live.frame("all")
    live.frame()
    viewer = live.viewer()
    live.choose(viewer, "l")
    assert live.sees(viewer) == "l"
    live.frame()
    assert_seamless(live.seen(viewer))


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


def test_a_layer_that_resumes_late_after_a_pause_is_kept() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.choose(viewer, "h")
    live.frame()
    live.pass_time(SILENT_S + 0.1)
    live.choose(viewer, "h")  # nothing comes
    for _ in range(8):
        live.frame("l", skip=("m", "h"))
        live.choose(viewer, "h")
        assert live.sees(viewer) == "h"
    live.frame("all")
    assert live.sees(viewer) == "h"
    assert viewer.downlinks["video"].changes == 1, "from the first layer"


def test_a_layer_preferred_during_a_replay_is_changed_to_afterwards() -> None:
    live = LiveRig(packets=60)
    live.frame("all")
    for _ in range(20):
        live.frame()
    viewer = live.viewer()
    assert viewer.downlinks["video"] in live.forwarder.catching_up
    live.choose(viewer, "h")
    while viewer.downlinks["video"] in live.forwarder.catching_up:
        live.pass_time(0.005)
        live.tick()
    assert live.sees(viewer) == "m"
    live.frame("h")
    assert live.sees(viewer) == "h"
    live.frame()
    assert_seamless(live.seen(viewer))


@pytest.mark.parametrize(("dropped", "next_best"), [("h", "m"), ("m", "l"), ("l", "m")])
def test_viewers_leave_a_layer_that_the_host_drops_at_once(dropped: str, next_best: str) -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.choose(viewer, dropped)
    for _ in range(60):
        live.frame()
        live.tick()
    assert live.sees(viewer) == dropped
    last_frame_at = live.now
    while not live.layer(next_best).keys.pending:
        live.frame(skip=(dropped,))
        live.tick()
    assert live.now - last_frame_at < LAYER_DROPPED_S + 3 * FRAME_S
    live.frame("all", skip=(dropped,))
    assert live.sees(viewer) == next_best
    assert_seamless(live.seen(viewer))


def test_a_layer_that_skips_frames_is_kept() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.choose(viewer, "h")
    for _ in range(20):
        live.frame()
        for _ in range(5):
            live.frame(skip=("h",))
            live.tick()
    assert live.sees(viewer) == "h"
    assert viewer.downlinks["video"].target is None


def test_a_pause_of_the_host_changes_no_layers() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.choose(viewer, "h")
    for _ in range(30):
        live.frame()
        live.tick()
    for _ in range(10):
        live.pass_time(0.1)
        live.tick()
    for _ in range(5):
        live.frame(skip=("h",))
        live.tick()
    live.frame()
    live.tick()
    assert live.sees(viewer) == "h"
    assert viewer.downlinks["video"].target is None


def test_a_layer_with_a_low_frame_rate_is_kept() -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.choose(viewer, "h")
    for _ in range(20):
        live.frame(skip=("h",))
        live.pass_time(0.3)
        live.tick()
        live.frame(skip=("l", "m"))
        live.pass_time(0.3)
        live.tick()
    assert live.sees(viewer) == "h"
    assert viewer.downlinks["video"].target is None


@pytest.mark.parametrize("rids", [("",), ("l", "h"), ("x", "y")])
def test_viewers_follow_a_host_that_returns_with_other_layers(rids: tuple[str, ...]) -> None:
    live = LiveRig()
    live.frame("all")
    viewer = live.viewer()
    live.frame()
    kept = {layer.rid: layer for layer in live.track.layers}
    layers = [kept.get(rid) or Layer("video", CODEC, 9_000, rid) for rid in rids]
    for layer in live.track.layers:
        layer.lose_source()
    live.forwarder.replace_layers(live.track, layers)
    assert set(live.forwarder.waiting) | set(live.forwarder.legs) <= set(layers), (
        "the other layers are forgotten"
    )
    live.pass_time(3)
    live.frame("all")
    before = len(live.seen(viewer))
    live.frame("all")
    live.choose(viewer, None)
    live.frame("all")
    assert len(live.seen(viewer)) > before
    assert_seamless(live.seen(viewer))


ACTIONS = st.sampled_from(
    ["frame", "frame", "frame", "key l", "key m", "key h", "key all", "want", "tick", "choose l",
     "choose m", "choose h", "choose", "silence h", "congested", "fit", "second"]
)  # fmt: skip


@given(st.lists(ACTIONS, max_size=60))
def test_any_sequence_of_actions_leaves_no_seam(actions: list[str]) -> None:
    live = LiveRig()
    live.frame("all")
    viewers = [live.viewer(), live.viewer(repairs=False)]
    for action in actions:
        what, _, rid = action.partition(" ")
        for viewer in viewers:
            if what == "want":
                live.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=live.now)
            elif what == "choose":
                live.choose(viewer, rid or None)
            elif what == "congested":
                viewer.link.on_estimate(viewer.link.estimate / 2 + 9_000, now=live.now)
            elif what == "fit":
                viewer.link.on_estimate(viewer.link.estimate * 1.1 + 9_000, now=live.now)
            elif what == "second":
                live.pass_time(0.3)
                live.forwarder.choose(viewer, now=live.now)
        if what in ("frame", "silence"):
            live.frame(skip=(rid,))
        elif what == "key":
            live.frame(rid)
        elif what == "tick":
            live.tick()
    for viewer in viewers:
        assert_seamless(live.seen(viewer))
