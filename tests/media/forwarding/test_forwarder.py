"""Whatever layers a viewer goes through, its numbers and times have no seam."""

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


def test_a_newcomer_gets_the_pictures_since_the_key_frame_close_together() -> None:
    live = LiveRig(("",))
    live.frame("all")
    live.frame()
    live.frame()
    session = live.viewer()
    seen = live.seen(session)
    assert len(seen) == 6
    assert seen[0][2], "a key frame first"
    assert 0 < seen[-1][1] - seen[0][1] < TICKS
    assert seen[-1][1] == live.layer("").timestamp
    live.frame()
    assert_seamless(live.seen(session))
    assert len(live.seen(session)) == 8


def test_ten_seconds_are_made_up_for_step_by_step() -> None:
    live = LiveRig(("",), packets=5)
    live.frame("all")
    for _ in range(249):
        live.frame()
    session = live.viewer()
    assert AT_ONCE_PACKETS_MAX <= len(live.seen(session)) < AT_ONCE_PACKETS_MAX + 5
    ticks = 0
    while live.forwarder.catching_up:
        before = len(live.seen(session))
        live.tick()
        ticks += 1
        assert len(live.seen(session)) - before < PACED_PACKETS + 5
        if ticks % 2 == 0:
            live.frame()
    assert ticks * 0.02 < 2
    live.frame()
    assert_seamless(live.seen(session))
    assert live.seen(session)[-1][1] == live.layer("").timestamp


def test_who_comes_a_long_way_gets_a_key_frame_of_its_own() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    session = live.viewer(rtt_s=HIGH_RTT_S)
    assert live.layer("m").keys.pending
    while live.now < 100 + 2 * PADDING_S + HIGH_RTT_GOP_FRAMES_MAX * FRAME_S:
        live.frame()
        live.tick()
    assert live.seen(session) == []
    live.frame("m")
    live.frame()
    live.tick()
    seen = live.seen(session)
    assert [key for _, _, key in seen] == [True, True, False, False]
    assert_seamless(seen)


def test_a_key_frame_that_is_asked_for_in_vain_is_replaced_by_the_newest() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    patient, gone = live.viewer(rtt_s=HIGH_RTT_S), live.viewer(rtt_s=HIGH_RTT_S)
    live.forwarder.end(gone)
    came_at = live.now
    while not live.seen(patient):
        live.frame()
        live.tick()
    waited_s = live.now - came_at - PADDING_S
    assert KEY_FRAME_WAIT_S < waited_s < KEY_FRAME_WAIT_S + 3 * FRAME_S
    assert live.seen(patient)[0][2]
    assert live.seen(gone) == []
    while live.forwarder.catching_up:
        live.tick()
    live.frame("m")
    assert_seamless(live.seen(patient))
    assert live.seen(patient)[-1][1] == live.layer("m").timestamp


@pytest.mark.parametrize("why", ["few", "deaf"])
def test_who_comes_a_long_way_does_not_wait_where_that_helps_nobody(why: str) -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(2 if why == "few" else HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    for second in range(5 if why == "deaf" else 0):
        live.layer("m").keys.request()
        live.layer("m").keys.due(now=live.now + second)
    session = live.high_rtt_viewer()
    assert live.seen(session)[0][2]
    assert live.layer("m").keys.sent == (5 if why == "deaf" else 0)


def test_padding_makes_the_beginning_of_a_long_way() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer(rtt_s=HIGH_RTT_S)
    for _ in range(round(PADDING_S / PADDING_INTERVAL_S) - 1):
        live.tick()
        live.tick()
        live.pass_time(PADDING_INTERVAL_S)
    live.frame("m")
    assert live.seen(session) == [], "a key frame that comes too soon waits"
    live.pass_time(PADDING_S)
    live.tick()
    padded = [number for number, payload in live.recorder.again if set(payload[:-1]) == {0}]
    assert len(padded) == PADDING_PACKETS * (round(PADDING_S / PADDING_INTERVAL_S) - 1)
    first, _, key = live.seen(session)[0]
    assert key
    assert [*padded, first] == list(range(padded[0], first + 1))


def test_who_did_not_hear_the_end_of_the_handshake_begins_anew() -> None:
    live = LiveRig()
    live.frame("all")
    for rtt_s in (0.0, HIGH_RTT_S):
        session = live.viewer(rtt_s=rtt_s)
        live.pass_time(PADDING_S)
        live.tick()
        live.frame()
        before = len(live.seen(session))
        live.forwarder.begin_video(session, session.downlinks["video"], now=live.now)
        live.pass_time(PADDING_S)
        live.tick()
        live.frame()
        seen = live.seen(session)
        assert seen[before][2], "a key frame comes again"
        numbers = [number for number, _, _ in seen]
        assert len(set(numbers)) == len(numbers), "no number is given twice"


@pytest.mark.parametrize("late", [False, True])
def test_a_key_frame_that_is_asked_for_so_soon_is_said_again(late: bool) -> None:
    live = LiveRig()
    live.frame("all")
    session = live.high_rtt_viewer()
    live.frame()
    live.pass_time(KEY_FRAME_RESEND_S if late else 0.0)
    shown = len(live.seen(session))
    said = live.asks_for_key(session)
    if late:
        assert said == []
        assert live.seen(session)[shown][2], "the picture is shown again"
        return
    assert len(live.seen(session)) == shown
    key_numbers = [number & 0xFFFF for number, _, key in live.seen(session) if key]
    assert said == key_numbers * 2, "each begins a slice"


def test_of_a_key_frame_said_again_the_beginning_comes_first_and_sets_are_for_who_insists() -> None:
    sets, begin, middle, end = (
        b"\x18\x00\x02\x67\x00\x00\x02\x68\x00",
        b"\x7c\x85",
        b"\x7c\x05",
        b"\x7c\x45",
    )
    live = LiveRig(("",), packets=4)
    live.frame("all", payloads=[sets, begin, middle, end])
    session = live.high_rtt_viewer()
    live.frame()
    first = live.seen(session)[0][0] & 0xFFFF
    assert live.asks_for_key(session) == [first + 1, first + 1, first + 2, first + 3]
    session.rtt.min_s = FRAME_S
    assert live.asks_for_key(session) == [first, first + 1], "the rest is under way"
    live.pass_time(FRAME_S)
    assert live.asks_for_key(session) == [first, first + 1, first, first + 1, first + 2, first + 3]


def test_of_a_large_key_frame_only_the_beginning_is_said_again() -> None:
    begin, middle = b"\x7c\x85", b"\x7c\x05"
    live = LiveRig(("",), packets=RESENT_KEY_FRAME_PACKETS_MAX + 1)
    live.frame("all", payloads=[begin] + [middle] * RESENT_KEY_FRAME_PACKETS_MAX)
    session = live.high_rtt_viewer()
    live.frame()
    assert live.asks_for_key(session) == [live.seen(session)[0][0] & 0xFFFF]


@pytest.mark.parametrize("why", ["hears", "deaf", "asked too often"])
def test_who_is_far_and_lost_the_picture_gets_another_key_frame(why: str) -> None:
    live = LiveRig()
    live.frame("all")
    session = live.high_rtt_viewer()
    for _ in range(round(KEY_FRAME_RESEND_S / FRAME_S) + HIGH_RTT_GOP_FRAMES_MAX):
        live.frame()
    keys = live.layer("m").keys
    for second in range(5 if why == "deaf" else 0):
        keys.request()
        keys.due(now=live.now + second)
    while why == "asked too often" and session.key_frames.take(now=live.now):
        pass
    before = len(live.seen(session))
    live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
    if why == "hears":
        assert keys.pending
        assert len(live.seen(session)) == before
    else:
        assert live.seen(session)[before][2], "what we keep must do"
    live.frame("m")
    assert_seamless(live.seen(session))


def test_a_key_frame_meanwhile_ends_the_catching_up() -> None:
    live = LiveRig(("",), packets=5)
    live.frame("all")
    for _ in range(100):
        live.frame()
    session = live.viewer()
    live.tick()
    live.frame("all")
    live.tick()
    live.frame()
    assert not live.forwarder.catching_up
    seen = live.seen(session)
    assert len(seen) < 200
    assert_seamless(seen)


def test_a_viewer_changes_layers_on_a_key_frame() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(60):
        live.frame()
    session = live.viewer()
    assert live.sees(session) == "m"
    live.choose(session, "h")
    live.frame()
    assert live.sees(session) == "m"
    assert live.layer("h").keys.pending
    live.frame("h")
    assert live.sees(session) == "h"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_key_frame_just_past_is_as_good_as_the_next() -> None:
    live = LiveRig()
    live.frame("all")
    live.frame()
    session = live.viewer()
    live.choose(session, "l")
    assert live.sees(session) == "l"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_decoder_that_lost_the_picture_is_shown_it_again() -> None:
    live = LiveRig()
    live.frame("all")
    live.frame()
    session = live.viewer()
    live.frame()
    before = len(live.seen(session))
    live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
    assert live.seen(session)[before][2]
    assert not live.layer("m").keys.pending, "the host is not troubled"
    live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
    assert len(live.seen(session)) == before + 6, "not twice in a row"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_viewer_cannot_have_it_shown_again_all_the_time() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    for _ in range(round(10 / FRAME_S)):
        live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
        live.frame("all")
    shown = live.counted["shown_again"]
    assert REPLAYS_BURST <= shown <= REPLAYS_BURST + 10 * REPLAYS_PER_S
    live.pass_time(REPLAY_INTERVAL_S + 1)
    live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
    assert live.counted["shown_again"] == shown + 1


def test_a_decoder_that_always_fails_does_not_cost_everybody_key_frames() -> None:
    live = LiveRig(packets=AT_ONCE_PACKETS_MAX)
    live.frame("all")
    session = live.viewer()
    asked = 0
    for _ in range(10 * 25):
        live.frame()
        live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
        if live.layer("m").keys.due(now=live.now):
            asked += 1
            live.frame("all")
    assert 3 <= asked <= 3 + 10 * KEY_FRAMES_PER_S + 1, "and it does get some"


def test_layers_that_go_on_later_after_a_pause_of_the_host_are_waited_for() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    live.frame()
    live.pass_time(SILENT_S + 0.1)
    live.choose(session, "h")  # nothing comes
    for _ in range(8):
        live.frame("l", skip=("m", "h"))
        live.choose(session, "h")
        assert live.sees(session) == "h"
    live.frame("all")
    assert live.sees(session) == "h"
    assert session.downlinks["video"].changes == 1, "from the one that it began with"


def test_a_layer_wished_for_while_a_viewer_catches_up_is_gone_over_to() -> None:
    live = LiveRig(packets=60)
    live.frame("all")
    for _ in range(20):
        live.frame()
    session = live.viewer()
    assert session.downlinks["video"] in live.forwarder.catching_up
    live.choose(session, "h")
    while session.downlinks["video"] in live.forwarder.catching_up:
        live.pass_time(0.005)
        live.tick()
    assert live.sees(session) == "m"
    live.frame("h")
    assert live.sees(session) == "h"
    live.frame()
    assert_seamless(live.seen(session))


@pytest.mark.parametrize(("given_up", "next_best"), [("h", "m"), ("m", "l"), ("l", "m")])
def test_a_layer_that_the_host_gives_up_is_left_at_once(given_up: str, next_best: str) -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, given_up)
    for _ in range(60):
        live.frame()
        live.tick()
    assert live.sees(session) == given_up
    last_seen = live.now
    while not live.layer(next_best).keys.pending:
        live.frame(skip=(given_up,))
        live.tick()
    assert live.now - last_seen < LAYER_DROPPED_S + 3 * FRAME_S
    live.frame("all", skip=(given_up,))
    assert live.sees(session) == next_best
    assert_seamless(live.seen(session))


def test_a_layer_of_which_some_pictures_are_left_out_is_kept() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(20):
        live.frame()
        for _ in range(5):
            live.frame(skip=("h",))
            live.tick()
    assert live.sees(session) == "h"
    assert session.downlinks["video"].target is None


def test_a_pause_of_the_host_is_no_change_of_layers() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
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
    assert live.sees(session) == "h"
    assert session.downlinks["video"].target is None


def test_pictures_that_come_slowly_are_not_given_up() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(20):
        live.frame(skip=("h",))
        live.pass_time(0.3)
        live.tick()
        live.frame(skip=("l", "m"))
        live.pass_time(0.3)
        live.tick()
    assert live.sees(session) == "h"
    assert session.downlinks["video"].target is None


@pytest.mark.parametrize("rids", [("",), ("l", "h"), ("x", "y")])
def test_a_host_that_returns_with_other_layers_keeps_its_viewers(rids: tuple[str, ...]) -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.frame()
    kept = {layer.rid: layer for layer in live.track.layers}
    layers = [kept.get(rid) or Layer("video", CODEC, 9_000, rid) for rid in rids]
    for layer in live.track.layers:
        layer.lose_source()
    live.forwarder.replace_layers(live.track, layers)
    assert set(live.forwarder.waiting) | set(live.forwarder.legs) <= set(layers), (
        "nothing keeps the others"
    )
    live.pass_time(3)
    live.frame("all")
    before = len(live.seen(session))
    live.frame("all")
    live.choose(session, None)
    live.frame("all")
    assert len(live.seen(session)) > before
    assert_seamless(live.seen(session))


ACTIONS = st.sampled_from(
    ["frame", "frame", "frame", "key l", "key m", "key h", "key all", "want", "tick", "choose l",
     "choose m", "choose h", "choose", "silence h", "thin", "fit", "second"]
)  # fmt: skip


@given(st.lists(ACTIONS, max_size=60))
def test_no_seam_shows_whatever_happens(actions: list[str]) -> None:
    live = LiveRig()
    live.frame("all")
    sessions = [live.viewer(), live.viewer(repairs=False)]
    for action in actions:
        what, _, rid = action.partition(" ")
        for session in sessions:
            if what == "want":
                live.forwarder.request_key_frame(session, session.downlinks["video"], now=live.now)
            elif what == "choose":
                live.choose(session, rid or None)
            elif what == "thin":
                session.link.on_estimate(session.link.estimate / 2 + 9_000, now=live.now)
            elif what == "fit":
                session.link.on_estimate(session.link.estimate * 1.1 + 9_000, now=live.now)
            elif what == "second":
                live.pass_time(0.3)
                live.forwarder.choose(session, now=live.now)
        if what in ("frame", "silence"):
            live.frame(skip=(rid,))
        elif what == "key":
            live.frame(rid)
        elif what == "tick":
            live.tick()
    for session in sessions:
        assert_seamless(live.seen(session))
