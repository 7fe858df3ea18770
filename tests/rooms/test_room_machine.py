"""Random histories of a channel: two workers, a log, viewers who join, leave and return.

Events are late, the bus breaks, the log loses its end or everything. No viewer's copy ever has a
gap or a duplicate, and in the end all workers equal the log.
"""

import json

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rooms.events import Event
from rooms.log import Batch, Position, Reading
from rooms.messages import Counters
from rooms.room import ChannelReplica
from rooms.rules import apply
from rooms.state import State
from server.bridge.channels.cards import CardPinned, CardUnpinned, StockChanged
from server.bridge.channels.groups import GroupChanged
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.registry import RULES, RoomState
from tests.support.fuzz_examples import examples
from tests.support.room_examples import card, group, line
from tests.support.room_replica import Replica

CHANNEL = "room:demo"
KEPT = 8
"""Events the log of this test keeps: few, so that some viewers come back too late."""

products = st.sampled_from(["p1", "p2", "p3"])
random_events = st.one_of(
    st.builds(CardPinned, card=st.builds(card, products, st.integers(1, 99))),
    st.builds(CardUnpinned, product_id=products),
    st.builds(StockChanged, product_id=products, left=st.integers(0, 5)),
    st.builds(
        GroupChanged, group=st.builds(group, st.sampled_from(["g1", "g2"]), st.integers(1, 30))
    ),
    st.builds(
        LiveChanged,
        state=st.sampled_from(["live", "paused", "over"]),
        started_at_ms=st.integers(0, 9),
    ),
)
workers = st.integers(0, 1)


class Viewer:
    """A replica and where it is connected, if it is."""

    def __init__(self) -> None:
        self.replica = Replica()
        self.worker: int | None = None

    @property
    def since(self) -> Position | None:
        return self.replica.position


class RoomMachine(RuleBasedStateMachine):
    """The bus is a list of messages in flight to each worker."""

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.epochs = 1
        self.position = Position("e1", 0)
        self.state: State = RoomState()
        self.states: dict[int, State] = {0: RoomState()}
        self.kept: list[Event] = []
        self.crashed = False
        self.rooms = [ChannelReplica(CHANNEL, RULES), ChannelReplica(CHANNEL, RULES)]
        self.in_flight: list[list[tuple[str, tuple[Event, ...]]]] = [[], []]
        self.answers: list[Reading | None] = [None, None]
        self.viewers = [Viewer() for _ in range(4)]
        self.lines = 0

    # The log

    @rule(events=st.lists(random_events, min_size=1, max_size=3))
    def announce(self, events: list[Event]) -> None:
        if self.crashed:
            # What the append script does when another run of the server wrote last.
            self.crashed = False
            self.position = Position(self.new_epoch(), self.position.offset)
        epoch, offset = self.position
        numbered = tuple(
            msgspec.structs.replace(event, o=offset + at) for at, event in enumerate(events, 1)
        )
        for event in numbered:
            self.state = self.states[event.o] = apply(RULES, self.state, (event,))
        self.kept = [*self.kept, *numbered][-KEPT:]
        self.position = Position(epoch, offset + len(numbered))
        for queue in self.in_flight:
            queue.append((epoch, numbered))

    @rule()
    def the_log_is_lost(self) -> None:
        self.position = Position(self.new_epoch(), 0)
        self.state, self.kept, self.states = RoomState(), [], {0: RoomState()}

    def new_epoch(self) -> str:
        self.epochs += 1
        return f"e{self.epochs}"

    @precondition(lambda self: self.position.offset >= 2 and len(self.kept) >= 2)
    @rule(lost=st.integers(1, 2))
    def the_log_loses_its_newest_events(self, lost: int) -> None:
        """A crash: the newest events were published and are gone."""
        self.position = Position(self.position.epoch, self.position.offset - lost)
        self.state = self.states[self.position.offset]
        self.kept = self.kept[:-lost]
        self.crashed = True

    @rule(worker=workers)
    def the_bus_breaks(self, worker: int) -> None:
        self.in_flight[worker].clear()
        self.rooms[worker].needs_reading = True

    # A worker

    @precondition(lambda self: any(self.in_flight))
    @rule(worker=workers)
    def events_arrive(self, worker: int) -> None:
        if self.in_flight[worker]:
            self.rooms[worker].receive_events(*self.in_flight[worker].pop(0))

    @rule(worker=workers)
    def the_log_is_read(self, worker: int) -> None:
        if self.answers[worker] is None:
            self.rooms[worker].begin_reading()
            self.answers[worker] = Reading(self.position, self.state, tuple(self.kept))

    @rule(worker=workers)
    def the_log_answers(self, worker: int) -> None:
        answer, self.answers[worker] = self.answers[worker], None
        if answer is not None:
            self.rooms[worker].adopt(answer)

    @rule(worker=workers)
    def the_position_is_checked(self, worker: int) -> None:
        room = self.rooms[worker]
        if room.is_open:
            room.receive_position(self.position, room.tip)

    @rule(worker=workers, viewers=st.integers(0, 5))
    def chat_and_counts_arrive(self, worker: int, viewers: int) -> None:
        self.lines += 1
        self.rooms[worker].receive_batch(Batch((line(f"a-{self.lines}"),), ("小林",)), now=self.now)
        self.rooms[worker].receive_counters(Counters(viewers, 0))

    @rule(worker=workers, seconds=st.floats(0.02, 2.0))
    def a_tick_is_due(self, worker: int, seconds: float) -> None:
        self.now += seconds
        room = self.rooms[worker]
        if not room.is_open:
            return
        flushed = room.flush(self.now)
        message = snapshot_of(room) if flushed is None else builtins(flushed.tick)
        for viewer in self.viewers:
            if viewer.worker == worker:
                viewer.replica.receive(message)

    # Viewers

    @rule(number=st.integers(0, 3), worker=workers)
    def a_viewer_joins(self, number: int, worker: int) -> None:
        viewer, room = self.viewers[number], self.rooms[worker]
        if viewer.worker is not None or not room.is_open:
            return
        viewer.worker = worker
        missed = room.recover(viewer.since) if viewer.since else None
        viewer.replica.receive(snapshot_of(room) if missed is None else builtins(missed))

    @rule(number=st.integers(0, 3))
    def a_viewer_leaves(self, number: int) -> None:
        self.viewers[number].worker = None

    @rule(number=st.integers(0, 3))
    def a_stale_viewer_gets_a_snapshot(self, number: int) -> None:
        viewer = self.viewers[number]
        if viewer.worker is not None:
            viewer.replica.receive(snapshot_of(self.rooms[viewer.worker]))

    # Invariants

    @invariant()
    def copies_equal_the_state_of_their_worker(self) -> None:
        for viewer in getattr(self, "viewers", ()):
            if viewer.worker is not None:
                room = self.rooms[viewer.worker]
                if room.needs_snapshot:
                    continue  # It is on its way.
                assert viewer.replica.position == room.position
                assert lossless(viewer.replica.state) == lossless(room.state)

    def teardown(self) -> None:
        if not hasattr(self, "rooms"):
            return
        for worker, room in enumerate(self.rooms):
            for message in self.in_flight[worker]:
                room.receive_events(*message)
            self.the_log_answers(worker)
            # The bus is restored, and then the position is checked now and then.
            room.needs_reading = True
            while room.needs_reading:
                self.the_log_is_read(worker)
                self.the_log_answers(worker)
                room.receive_position(self.position, room.tip)
            while room.is_due:
                self.a_tick_is_due(worker, 1.0)
            assert room.position == self.position
            assert lossless(room.state) == lossless(self.state)
        self.copies_equal_the_state_of_their_worker()


def snapshot_of(room: ChannelReplica) -> dict[str, object]:
    """What a newcomer is sent."""
    epoch, offset = room.position
    return {"t": "snapshot", "epoch": epoch, "offset": offset, "state": builtins(room.state)}


def builtins(value: object) -> dict[str, object]:
    """What arrives at the other end of the wire."""
    decoded: dict[str, object] = json.loads(msgspec.json.encode(value))
    return decoded


def lossless(state: State) -> tuple[object, ...]:
    """The part of the state that must never differ."""
    assert isinstance(state, RoomState)
    return state.live, state.cards, state.groups


TestRoomMachine = RoomMachine.TestCase
TestRoomMachine.settings = settings(examples(150), stateful_step_count=60)
