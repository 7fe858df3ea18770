"""Viewers change layers without a seam in their numbers and timestamps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.stream.layer import SILENT_S, Layer
from media.stream.timeline import LAYER_DROPPED_S
from tests.support.media_forwarding import CODEC, FRAME_S, LiveRig, assert_seamless


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
