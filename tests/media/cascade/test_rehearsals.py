"""Nothing of a rehearsal reaches who joins an edge once it is over, whatever the hops do."""

import pytest

from media.emulator import Conditions
from media.forwarding.viewer import Viewer
from tests.support.media_forwarding import FRAME_S, LiveRig, Seen, assert_seamless
from tests.support.media_hop import HopRig


class Rehearsal:
    """A rehearsal at an origin, with staff who watch it at an edge."""

    def __init__(
        self, conditions: Conditions | None = None, rids: tuple[str, ...] = ("",), hops: int = 1
    ) -> None:
        self.rig = HopRig(rids, conditions)
        self.rig.origin.live.private = True
        for _ in range(hops - 1):
            self.rig = HopRig(conditions=conditions, below=self.rig)
        self.staff: Viewer | None = None
        self.ended_at = 0

    def play(self, frames: int) -> None:
        self.rig.frames(1, "all")
        self.staff = self.rig.viewer()
        self.rig.frames(frames)

    def end(self) -> None:
        """The host goes on air."""
        self.ended_at = self.rig.origin.track.layers[0].timestamp
        self.rig.origin.live.begin_public()

    def neighbour(self) -> Viewer:
        """Somebody joins the edge who may see no rehearsal."""
        assert self.rig.source is not None
        self.rig.source.begin_public()
        return self.rig.viewer()

    def seen(self, viewer: Viewer | None) -> list[Seen]:
        return self.rig.seen(viewer) if viewer is not None else []

    def assert_shown_nothing_of_it(self, viewer: Viewer) -> None:
        seen = self.seen(viewer)
        assert seen and seen[0][2], "it is shown the live, from a key frame on"
        assert all(time > self.ended_at for _, time, _ in seen)
        assert_seamless(seen)


hops_1_and_2 = pytest.mark.parametrize("hops", [1, 2])


@hops_1_and_2
def test_a_cached_gop_of_a_rehearsal_is_not_shown_to_who_joins_afterwards(hops: int) -> None:
    rehearsal = Rehearsal(hops=hops)
    rehearsal.play(30)
    assert rehearsal.rig.live.layers()[0].gop
    rehearsal.end()
    neighbour = rehearsal.neighbour()
    assert rehearsal.seen(neighbour) == [] and not rehearsal.rig.live.layers()[0].gop
    rehearsal.rig.frames(3)
    assert rehearsal.seen(neighbour) == [], "the host's key frame is still to come"
    rehearsal.rig.frames(20, "all")
    rehearsal.assert_shown_nothing_of_it(neighbour)


@hops_1_and_2
def test_an_edge_forgets_all_layers_of_a_rehearsal_when_one_of_the_live_arrives(hops: int) -> None:
    rehearsal = Rehearsal(rids=("l", "h"), hops=hops)
    rehearsal.play(1)
    other = rehearsal.rig.viewer()
    other.link.set_preference("h", None)
    rehearsal.rig.frames(40, "all")
    assert all(layer.gop for layer in rehearsal.rig.live.layers())
    rehearsal.end()
    rehearsal.rig.frames(1, "l")
    assert [bool(layer.gop) for layer in rehearsal.rig.live.layers()] == [True, False]


@hops_1_and_2
def test_staff_at_an_edge_goes_on_watching_what_is_on_air(hops: int) -> None:
    rehearsal = Rehearsal(hops=hops)
    rehearsal.play(30)
    rehearsal.end()
    rehearsal.rig.frames(20, "all")
    seen = rehearsal.seen(rehearsal.staff)
    assert_seamless(seen)
    assert len({time for _, time, _ in seen}) == 51


def test_a_key_frame_that_is_on_its_way_when_a_rehearsal_ends_is_not_shown() -> None:
    """Staff has just joined, so that the edge has received nothing by which it knew of it."""
    rehearsal = Rehearsal(Conditions(delay_s=0.3))
    rig = rehearsal.rig
    for _ in range(40):
        rig.tick()  # the edge learns of the live
    rig.viewer()
    for _ in range(20):
        rig.tick()  # and asks for its layer
    rig.frames(2, "all")
    assert not rig.media_received
    rehearsal.end()
    neighbour = rehearsal.neighbour()
    rig.frames(20)
    assert sum(rig.media_received.values()) == 4, "what was on its way when the rehearsal ended"
    assert rehearsal.seen(neighbour) == []
    rig.frames(40, "all")
    rehearsal.assert_shown_nothing_of_it(neighbour)


@hops_1_and_2
@pytest.mark.parametrize("joins_after", [0, 1, 4])
def test_losses_on_the_hop_bring_nothing_of_a_rehearsal_back(joins_after: int, hops: int) -> None:
    rehearsal = Rehearsal(Conditions(delay_s=0.02, jitter_s=0.02), hops=hops)
    rehearsal.rig.conditions.loss = 0.2
    rehearsal.play(60)
    rehearsal.end()
    rehearsal.rig.frames(joins_after)
    neighbour = rehearsal.neighbour()
    rehearsal.rig.frames(10)
    for _ in range(3):
        rehearsal.rig.frames(25, "all")
    rehearsal.assert_shown_nothing_of_it(neighbour)
    assert rehearsal.rig.counted["hop_resent"] > 10


def test_a_key_frame_that_waits_behind_a_gap_when_a_rehearsal_ends_is_dropped() -> None:
    rig = LiveRig(("",))
    layer = rig.layer("")
    rig.frame("all")
    rig.frame()
    rig.numbers[layer] += 1  # lost
    rig.frame("all")
    assert len(layer.gop) == 2
    ended_at = layer.timestamp
    rig.live.begin_public()
    neighbour = rig.viewer()
    for _ in range(10):
        rig.frame()
        rig.tick()
    assert rig.seen(neighbour) == []
    rig.frame("all")
    assert rig.seen(neighbour)[0][2]
    assert all(time > ended_at + round(FRAME_S * 90_000) for _, time, _ in rig.seen(neighbour))


@pytest.mark.parametrize("joins_first", [True, False])
def test_nothing_of_a_rehearsal_passes_an_edge_without_viewers_of_its_own(
    joins_first: bool,
) -> None:
    """Staff watches two hops away; somebody else joins at a third edge, below the same one."""
    rehearsal = Rehearsal(hops=2)
    first = rehearsal.rig.parent
    assert first is not None
    other = HopRig(conditions=rehearsal.rig.conditions, below=first)
    rehearsal.play(30)
    assert first.live.layers()[0].gop and not first.live.viewers
    if not joins_first:
        rehearsal.end()
    assert other.source is not None
    other.source.begin_public()
    neighbour = other.viewer()
    rehearsal.rig.frames(10)
    assert other.seen(neighbour) == []
    if joins_first:
        assert len({time for _, time, _ in rehearsal.seen(rehearsal.staff)}) == 41, "staff goes on"
        rehearsal.end()
    rehearsal.rig.frames(40, "all")
    seen = other.seen(neighbour)
    assert seen and seen[0][2] and all(time > rehearsal.ended_at for _, time, _ in seen)
