"""Whatever happens to host, hop and viewers: numbers and times go on, and media comes back."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from media.cascade.edge_source import LINGER_S
from media.forwarding.viewer import Viewer
from tests.support.fuzz_examples import examples
from tests.support.media_forwarding import FRAME_S
from tests.support.media_hop import HopRig

RIDS = ("l", "m", "h")
VIEWERS_MAX = 3
# An outage, a key frame request, and what a layer that nobody needed takes to begin anew.
CALM_FRAMES = 60


class Course(RuleBasedStateMachine):
    """A live of three layers at an origin, watched at an edge."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = HopRig(RIDS)
        self.viewers: list[Viewer] = []
        self.checked: dict[str, int] = {}
        self.rig.frames(2, "all")

    @rule(count=st.integers(1, 15), key=st.booleans())
    def host_sends(self, count: int, key: bool) -> None:
        self.rig.frames(count, *(["all"] if key else []))

    @rule(loss=st.sampled_from([0.0, 0.02, 0.3, 1.0]))
    def hop_changes(self, loss: float) -> None:
        self.rig.conditions.loss = loss

    @precondition(lambda self: len(self.viewers) < VIEWERS_MAX)
    @rule()
    def viewer_joins(self) -> None:
        self.viewers.append(self.rig.viewer())

    @precondition(lambda self: self.viewers)
    @rule(data=st.data())
    def viewer_leaves(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.viewers))
        self.viewers.remove(gone)
        self.rig.edge.end_peer(gone.id, now=self.rig.now)

    @precondition(lambda self: self.viewers)
    @rule(data=st.data(), rid=st.sampled_from([None, *RIDS]))
    def viewer_prefers(self, data: st.DataObject, rid: str | None) -> None:
        viewer = data.draw(st.sampled_from(self.viewers))
        viewer.link.set_preference(rid, None)
        self.rig.live.forwarder.choose(viewer, now=self.rig.now)

    @rule(away_s=st.sampled_from([0.0, 0.5, 4.0]))
    def host_returns(self, away_s: float) -> None:
        self.rig.origin.live.interrupt()
        self.rig.origin.numbers.clear()
        for _ in range(round(away_s / FRAME_S)):
            self.rig.tick()
            self.rig.tick()
        self.rig.frames(2, "all")

    @rule()
    def keys_are_replaced(self) -> None:
        self.rig.subscribe()

    @invariant()
    def numbers_and_times_never_go_back(self) -> None:
        for viewer in self.viewers:
            seen, checked = self.rig.seen(viewer), self.checked.get(viewer.id, 0)
            self.checked[viewer.id] = max(0, len(seen) - 1)
            for (number, time, _), (after, later, _) in pairwise(seen[checked:]):
                assert number < after
                assert later - time & 0xFFFFFFFF < 1 << 31

    @invariant()
    def nothing_happens_to_the_lease(self) -> None:
        assert self.rig.events == []

    def teardown(self) -> None:
        rig = self.rig
        rig.conditions.loss = 0.0
        for _ in range(CALM_FRAMES // 10):
            rig.frames(10, "all")
        for viewer in self.viewers:
            video = viewer.downlinks["video"]
            assert video.layer is not None and rig.seen(viewer), "each viewer gets media again"
            assert rig.now - video.layer.newest_at < 3 * FRAME_S
            begun = len(rig.seen(viewer))
            rig.frames(1)
            assert len(rig.seen(viewer)) > begun
        for viewer in self.viewers:
            rig.edge.end_peer(viewer.id, now=rig.now)
        rig.frames(round(LINGER_S / FRAME_S) + 2)
        before = rig.media_received.total()
        rig.frames(5, "all")
        assert rig.media_received.total() == before, "nothing comes in vain"


Course.TestCase.settings = settings(examples(5), stateful_step_count=10)
TestCourse = Course.TestCase
