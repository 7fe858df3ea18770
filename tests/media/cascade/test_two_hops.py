"""An edge of an edge gets the live as the first one does, and may change its parent unseen."""

import pytest

from media.emulator import Conditions
from media.stream.ports import TrackFormat
from media.wire import rtcp
from tests.support.media_forwarding import CODEC, KEY, ClearTransport, LiveRig, assert_seamless
from tests.support.media_hop import ROOM, HopRig
from tests.support.media_roads import UnitSource


def tree(rids: tuple[str, ...] = ("",), loss: float = 0.0) -> tuple[HopRig, HopRig]:
    """An edge of the origin, and one below it; nobody watches yet."""
    first = HopRig(rids, Conditions(loss, delay_s=0.001))
    first.frames(1, "all")
    return first, HopRig(conditions=Conditions(loss, delay_s=0.001), below=first)


def test_viewer_two_hops_away_begins_with_the_cached_key_frame_and_the_origins_times() -> None:
    first, second = tree()
    local = first.origin.viewer()
    first.frames(30)
    viewer = second.viewer()
    first.frames(20)
    here, there = first.origin.seen(local), second.seen(viewer)
    assert there[0][2] and len({time for _, time, _ in there}) == 51
    assert [time for _, time, _ in there[-40:]] == [time for _, time, _ in here[-40:]]
    assert_seamless(there)
    assert first.live.viewers == {}, "the first edge receives it for the second alone"


def test_losses_on_both_hops_are_repaired() -> None:
    first, second = tree(loss=0.05)
    viewer = second.viewer()
    first.frames(250)
    seen = second.seen(viewer)
    assert_seamless(seen)
    assert len({time for _, time, _ in seen}) >= 245
    assert first.counted["hop_resent"] > 5 and second.counted["hop_resent"] > 5
    assert second.live.layers()[0].lost == 0


def test_only_layers_that_somebody_below_uses_cross_the_first_hop() -> None:
    first, second = tree(("l", "m", "h"))
    viewer = second.viewer()
    first.frames(50, "all")
    assert set(first.media_received) == set(second.media_received) == {1}
    viewer.link.set_preference("h", None)
    first.frames(60, "all")
    video = viewer.downlinks["video"]
    assert video.layer is not None and video.layer.rid == "h"
    assert_seamless(second.seen(viewer))


def test_a_key_frame_that_is_needed_two_hops_away_is_requested_of_the_host() -> None:
    first, second = tree()
    viewer = second.viewer()
    first.frames(15)
    layer = first.origin.layer("")
    assert not layer.keys.pending
    second.live.layers()[0].keys.request()
    first.frames(2)
    assert layer.keys.pending
    first.frames(2, "all")
    assert second.seen(viewer)[-4][2] or second.seen(viewer)[-3][2]


def test_the_hosts_clock_reaches_viewers_two_hops_away() -> None:
    first, second = tree()
    viewer = second.viewer()
    first.frames(5)
    layer = first.origin.layer("")
    layer.clock = (5 << 32, layer.timestamp)
    first.frames(8)
    transport = viewer.transport
    assert isinstance(transport, ClearTransport)
    reports = [one for packet in transport.rtcp for one in rtcp.parse(packet)]
    assert any(getattr(one, "sender_info", None) for one in reports)
    assert second.live.layers()[0].clock == layer.clock
    assert second.live.media_time() == first.live.media_time() == layer.timestamp


@pytest.mark.parametrize("key_meanwhile", [False, True])
def test_an_edge_that_changes_its_parent_in_a_gop_misses_and_repeats_nothing(
    key_meanwhile: bool,
) -> None:
    first, second = tree()
    other = HopRig(conditions=Conditions(delay_s=0.001), below=first)
    viewer = second.viewer()
    for parent in (other, None, first):
        first.frames(10)
        second.conditions.loss = 1.0  # its parent is gone
        first.frames(20, *(["all"] if key_meanwhile else []))
        second.conditions.loss = 0.0
        second.attach(parent)
        first.frames(10)
        assert_seamless(second.seen(viewer))
    times = {time for _, time, _ in second.seen(viewer)}
    assert len(times) == 121
    assert second.live.layers()[0].lost == 0


def test_other_tracks_at_the_origin_are_others_at_both_edges() -> None:
    first, second = tree()
    before = second.source
    first.origin.track.layers[:] = LiveRig(("l", "h")).track.layers
    first.frames(40, "all")
    assert second.source is not before
    assert [layer.rid for layer in second.live.layers()] == ["l", "h"]


def test_edges_of_a_worker_that_becomes_the_origin_know_the_live_anew() -> None:
    first, second = tree()
    viewer = second.viewer()
    first.frames(10)
    before = second.source
    host = UnitSource("host", {"video": TrackFormat(CODEC, ("",))})
    first.edge.add_source(ROOM, host, standby=False, now=first.now)
    for number in range(40):
        layer = host.send("video", KEY + bytes(100), 5 + number * 3_600, key=True, now=first.now)
        first.edge.deliver(first.live, layer, now=first.now)
        first.tick()
        first.tick()
    assert second.source is not before and second.seen(viewer)[-1][2]
    assert_seamless(second.seen(viewer))
