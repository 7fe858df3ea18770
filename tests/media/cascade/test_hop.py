"""Viewers of an edge get the live of another worker: all of it, in order, with the same times."""

from media.cascade.edge_source import LINGER_S
from media.cascade.subscription import EXPIRES_S
from media.emulator import Conditions
from media.events import PublisherUp
from media.forwarding.lives import MEDIA_TIMEOUT_S
from media.stream.ports import TrackFormat
from media.wire import rtcp
from tests.support.media_forwarding import (
    CODEC,
    FRAME_S,
    KEY,
    ClearTransport,
    LiveRig,
    assert_seamless,
)
from tests.support.media_hop import ROOM, HopRig
from tests.support.media_roads import UnitSource


def test_a_viewer_of_an_edge_begins_with_the_cached_key_frame_at_once() -> None:
    rig = HopRig()
    rig.frames(30, "all")
    viewer = rig.viewer()
    rig.frames(1)
    seen = rig.seen(viewer)
    assert seen[0][2], "it begins with a key frame, 30 frames ago"
    assert len({time for _, time, _ in seen}) == 31
    assert not rig.origin.layer("").keys.pending, "no key frame is asked of the host"
    before = sum(rig.media_received.values())
    second = rig.viewer()
    assert len(rig.seen(second)) == len(seen), "the edge has a GOP of its own"
    rig.exchange()
    assert sum(rig.media_received.values()) == before


def test_an_edges_viewers_get_the_timestamps_of_the_origin() -> None:
    rig = HopRig()
    local = rig.origin.viewer()
    rig.frames(3, "all")
    viewer = rig.viewer()
    rig.frames(20)
    here, there = rig.origin.seen(local), rig.seen(viewer)
    assert [time for _, time, _ in there] == [time for _, time, _ in here][: len(there)]
    assert rig.live.media_time() == rig.origin.layer("").timestamp
    assert_seamless(there)


def test_losses_on_the_hop_are_repaired_before_the_next_frame_is_due() -> None:
    rig = HopRig(conditions=Conditions(loss=0.05, delay_s=0.002))
    rig.frames(5, "all")
    viewer = rig.viewer()
    rig.frames(250)
    seen = rig.seen(viewer)
    assert_seamless(seen)
    assert len({time for _, time, _ in seen}) >= 250
    assert rig.counted["hop_resent"] > 10
    assert rig.live.layers()[0].lost == 0


def test_media_crosses_the_hop_once_for_all_viewers_of_an_edge() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    viewers = [rig.viewer() for _ in range(5)]
    rig.frames(50)
    assert rig.media_received[0] == rig.origin.layer("").packets_sent
    assert all(len(rig.seen(viewer)) == 2 * 51 for viewer in viewers)


def test_an_edge_receives_only_the_layers_that_its_viewers_use() -> None:
    rig = HopRig(("l", "m", "h"))
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(50, "all")
    assert {at: count > 50 for at, count in rig.media_received.items()} == {1: True}
    video = viewer.downlinks["video"]
    assert video.layer is not None and video.layer.rid == "m"


def test_a_viewer_that_needs_another_layer_gets_it_from_its_next_key_frame_on() -> None:
    rig = HopRig(("l", "m", "h"))
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(30, "all")
    viewer.link.set_preference("l", None)
    rig.frames(60, "all")
    video = viewer.downlinks["video"]
    assert video.layer is not None and video.layer.rid == "l"
    assert_seamless(rig.seen(viewer))


def test_a_layer_without_viewers_is_let_go_and_begins_anew_when_it_is_needed() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(10)
    rig.edge.end_peer(viewer.id, now=rig.now)
    rig.frames(round(LINGER_S / FRAME_S) + 5)
    received = rig.media_received[0]
    rig.frames(50, "all")
    assert rig.media_received[0] == received
    back = rig.viewer()
    rig.frames(2)
    seen = rig.seen(back)
    assert seen[0][2] and len({time for _, time, _ in seen}) == 52
    assert_seamless(seen)


def test_an_edge_raises_no_events_since_its_origin_owns_the_live() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    rig.viewer()
    rig.frames(10)
    assert rig.live.on_air
    rig.origin.now += MEDIA_TIMEOUT_S + 1
    rig.edge.count_second(now=rig.now)
    assert not rig.live.on_air
    rig.edge.end_live(rig.live)
    assert rig.events == []


def test_a_host_that_comes_to_the_edge_itself_keeps_its_viewers() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(10)
    host = UnitSource("host", {"video": TrackFormat(CODEC, ("",))})
    rig.edge.add_source(ROOM, host, standby=False, now=rig.now)
    layer = host.send("video", KEY + bytes(100), 5, key=True, now=rig.now)
    rig.edge.deliver(rig.live, layer, now=rig.now)
    assert rig.events == [PublisherUp(ROOM, returned=True)]
    assert list(rig.live.viewers.values()) == [viewer]
    assert rig.seen(viewer)[-1][2]
    assert_seamless(rig.seen(viewer))


def test_the_origin_lets_an_edge_go_that_is_silent() -> None:
    rig = HopRig()
    assert not rig.subscription.expired(now=rig.now + EXPIRES_S - 0.6)
    assert rig.subscription.expired(now=rig.now + EXPIRES_S + 0.1)


def test_the_end_of_the_live_ends_the_subscription() -> None:
    rig = HopRig()
    rig.origin.live.close()
    rig.tick()
    assert rig.gone and rig.subscription.closed


def test_viewers_of_an_edge_get_the_hosts_clock() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(5)
    layer = rig.origin.layer("")
    layer.clock = (5 << 32, layer.timestamp)
    rig.frames(3)
    transport = viewer.transport
    assert isinstance(transport, ClearTransport)
    reports = [one for packet in transport.rtcp for one in rtcp.parse(packet)]
    assert any(getattr(one, "sender_info", None) for one in reports)
    [here] = rig.live.layers()
    assert here.clock == layer.clock


def test_a_returning_host_goes_on_at_the_edge_with_contiguous_numbers() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    viewer = rig.viewer()
    rig.frames(10)
    rig.origin.live.interrupt()
    rig.origin.pass_time(2.0)
    rig.origin.numbers.clear()
    rig.frames(10, "all")
    assert_seamless(rig.seen(viewer))
    assert len({time for _, time, _ in rig.seen(viewer)}) == 21


def test_other_tracks_at_the_origin_become_another_source_at_the_edge() -> None:
    rig = HopRig()
    rig.frames(1, "all")
    first = rig.source
    rig.origin.track.layers[:] = LiveRig(("l", "h")).track.layers
    rig.frames(20, "all")
    assert rig.source is not first
    assert [layer.rid for layer in rig.live.layers()] == ["l", "h"]


def test_the_round_trip_is_that_of_answers_alone() -> None:
    """What an origin says of itself in between is no answer."""
    rig = HopRig(conditions=Conditions(delay_s=0.010))
    rig.frames(1, "all")
    rig.viewer()
    layer = rig.origin.layer("")
    for seconds in range(60):
        layer.clock = (seconds + 1 << 32, layer.timestamp)
        rig.frames(5)
    assert rig.source is not None
    assert 0.015 < rig.source.round_trip_s < 0.025
