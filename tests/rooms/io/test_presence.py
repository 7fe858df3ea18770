"""Whatever is lost on the way, the people of all workers are counted once each in the end."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rooms.io import presence as presence_module
from rooms.io.memory import MemoryRoomBus, MemoryRooms
from rooms.io.presence import Presence
from rooms.log import People
from server.bridge.channels.registry import RULES
from tests.support.fuzz_examples import examples

CHANNEL = "room:demo"
PEOPLE = [f"g{number}" for number in range(6)]


class Worker:
    """One worker's people of a channel, reported to `rooms`."""

    def __init__(self, name: str, rooms: MemoryRooms) -> None:
        self.name = name
        self.bus = MemoryRoomBus(rooms)
        self.people: set[str] = set()
        self.presence = Presence()

    def toggle(self, person: str) -> None:
        if person in self.people:
            self.people.discard(person)
            self.presence.left(person)
        else:
            self.people.add(person)
            self.presence.joined(person)

    def report(self, *, meanwhile: str = "", is_lost: bool = False) -> int:
        """Report; `meanwhile` comes or goes before the answer; return the sum, −1: not known."""
        count = len(self.people)
        parts: list[People | None] = [*self.presence.report(self.people)]
        if meanwhile:
            self.toggle(meanwhile)
        for part in parts or [None]:
            if is_lost:
                self.presence.failed()
                return -1
            tally = asyncio.run(self.bus.tally(CHANNEL, self.name, count, 0, 0, part))
        self.presence.reported(tally)
        return tally.counters.viewers


actions = st.one_of(
    st.tuples(st.just("toggle"), st.integers(0, 2), st.sampled_from(PEOPLE)),
    st.tuples(
        st.sampled_from(["report", "lose"]), st.integers(0, 2), st.sampled_from(["", *PEOPLE])
    ),
    st.tuples(st.just("forget"), st.just(0), st.just("")),
)


@examples(60)
@given(st.lists(actions, max_size=40))
def test_sums_are_exact_once_all_have_reported(course: list[tuple[str, int, str]]) -> None:
    rooms = MemoryRooms(RULES)
    workers = [Worker(name, rooms) for name in ("one", "two", "three")]
    for action, number, person in course:
        match action:
            case "toggle":
                workers[number].toggle(person)
            case "forget":  # as Redis does that restarts without its data
                rooms.people.clear()
                rooms.viewers.clear()
            case _:
                workers[number].report(meanwhile=person, is_lost=action == "lose")
    for _ in range(3):
        sums = [worker.report() for worker in workers]
    assert sums[-1] == len(set().union(*(worker.people for worker in workers)))


def test_a_worker_that_is_alone_with_a_channel_reports_nobody() -> None:
    worker = Worker("one", MemoryRooms(RULES))
    worker.toggle("g1")
    assert worker.report() == 1
    worker.toggle("g2")
    assert worker.presence.report(worker.people) == []


def test_what_is_reported_is_what_changed_and_many_in_several_calls() -> None:
    rooms = MemoryRooms(RULES)
    one, two = Worker("one", rooms), Worker("two", rooms)
    two.toggle("g0")
    two.report()
    for number in range(2 * presence_module.PEOPLE_AT_ONCE + 1):
        one.toggle(f"g{number}")
    one.report()
    parts = one.presence.report(one.people)
    assert [part.all for part in parts] == [True, False, False]
    assert max(len(part.joined) for part in parts) == presence_module.PEOPLE_AT_ONCE
    assert one.report() == len(one.people) + 1, "the other one is to report, too"
    two.report()
    assert two.report() == len(one.people)
    one.toggle("g0")
    one.toggle("new")
    [part] = one.presence.report(one.people)
    assert (len(part.joined), len(part.left), part.all) == (1, 1, False)
