"""One channel in one worker: what a tick carries and when a snapshot must replace it."""

from rooms.events import Event
from rooms.log import LOG_EVENTS_MAX, Batch, Position, Reading
from rooms.messages import Counters, Purchase, Tick
from rooms.room import JOINS_PER_TICK_MAX, ChannelReplica
from server.bridge.channels.cards import StockChanged
from server.bridge.channels.registry import RULES, RoomState
from tests.support.room_examples import card, line

ROOM = "room:demo"


def opened(offset: int = 0, *recent: Event) -> ChannelReplica:
    room = ChannelReplica(ROOM, RULES)
    room.begin_reading()
    room.adopt(Reading(Position("e1", offset), RoomState(), recent))
    return room


def stock(o: int, left: int = 3) -> StockChanged:
    return StockChanged(o=o, product_id="p1", left=left)


def test_quiet_room_has_no_tick_due() -> None:
    room = opened(7)
    assert room.is_open
    assert not room.is_due
    assert room.position == room.tip == Position("e1", 7)


def test_events_of_several_announcements_share_a_tick() -> None:
    room = opened()
    room.receive_events("e1", (stock(1), stock(2)))
    room.receive_events("e1", (stock(3),))
    assert room.position.offset == 0
    flushed = room.flush(1.0)
    assert flushed is not None
    assert [event.o for event in flushed.tick.events] == [1, 2, 3]
    assert flushed.tick.offset == room.position.offset == 3
    assert not room.is_due


def test_duplicate_event_is_delivered_once() -> None:
    room = opened()
    room.receive_events("e1", (stock(1), stock(2)))
    room.receive_events("e1", (stock(2), stock(3)))
    flushed = room.flush(1.0)
    assert flushed is not None
    assert [event.o for event in flushed.tick.events] == [1, 2, 3]
    assert not room.needs_reading


def test_missing_event_is_read_from_the_log_without_a_snapshot() -> None:
    room = opened()
    room.receive_events("e1", (stock(3),))
    assert room.needs_reading
    room.begin_reading()
    room.receive_events("e1", (stock(5),))
    events = tuple(stock(o) for o in range(1, 5))
    room.adopt(Reading(Position("e1", 4), RoomState(), events))
    assert not room.needs_reading
    flushed = room.flush(1.0)
    assert flushed is not None
    assert [event.o for event in flushed.tick.events] == [1, 2, 3, 4, 5]


def test_trimmed_events_make_a_snapshot_necessary() -> None:
    room = opened(1)
    room.begin_reading()
    state = RoomState(cards=(card("p1"),))
    room.adopt(Reading(Position("e1", 9), state, (stock(9),)))
    assert room.needs_snapshot
    assert room.flush(1.0) is None
    assert room.position == Position("e1", 9)
    assert room.state == state
    assert not room.is_due


def test_chat_and_counts_survive_a_new_epoch() -> None:
    room = opened()
    room.receive_batch(Batch((line("a-1"),)), now=1.0)
    room.receive_counters(Counters(5, 6))
    room.flush(1.0)
    room.begin_reading()
    room.adopt(Reading(Position("e2", 0), RoomState(), ()))
    assert room.flush(2.0) is None
    assert isinstance(room.state, RoomState)
    assert room.state.chat == (line("a-1"),)
    assert room.state.counters == Counters(5, 6)


def test_duplicate_batch_is_delivered_once() -> None:
    room = opened()
    for _ in range(2):
        room.receive_batch(Batch((line("a-1"), line("a-2"))), now=1.0)
    flushed = room.flush(1.0)
    assert flushed is not None
    assert [line.id for line in flushed.tick.chat] == ["a-1", "a-2"]
    room.receive_batch(Batch((line("a-2"),)), now=1.0)
    assert not room.is_due


def test_recovery_reaches_back_to_the_oldest_kept_event() -> None:
    room = opened(3, stock(2), stock(3))
    room.receive_events("e1", (stock(4),))
    room.flush(1.0)
    missed = room.recover(Position("e1", 1))
    assert missed is not None
    assert [event.o for event in missed.events] == [2, 3, 4]
    assert room.recover(Position("e1", 0)) is None
    assert room.recover(Position("e1", 5)) is None
    assert room.recover(Position("e0", 3)) is None
    nothing = room.recover(Position("e1", 4))
    assert nothing is not None and nothing.events == ()


def test_room_keeps_as_many_events_as_its_log() -> None:
    room = opened()
    for o in range(1, LOG_EVENTS_MAX + 11):
        room.receive_events("e1", (stock(o),))
    room.flush(1.0)
    assert room.recover(Position("e1", 9)) is None
    assert room.recover(Position("e1", 10)) is not None


def test_counters_are_sent_when_they_change() -> None:
    room = opened()
    room.receive_counters(Counters(1, 0))
    assert room.is_due
    room.flush(1.0)
    room.receive_counters(Counters(1, 0))
    assert not room.is_due


def test_joins_per_tick_are_limited() -> None:
    room = opened()
    room.receive_batch(Batch(joins=tuple("abcdefghij")), now=1.0)
    flushed = room.flush(1.0)
    assert flushed is not None
    assert len(flushed.tick.joins) == JOINS_PER_TICK_MAX


def test_guests_chat_is_sampled_evenly_and_staffs_is_always_delivered() -> None:
    room = opened()
    lines = [line(f"g-{at}") for at in range(100)]
    lines.insert(50, line("h-1", role="host"))
    room.receive_batch(Batch(tuple(lines)), now=1.0)
    flushed = room.flush(1.0)
    assert flushed is not None
    delivered = [line.id for line in flushed.tick.chat]
    assert len(delivered) == 21
    assert "h-1" in delivered
    assert [int(id[2:]) for id in delivered if id != "h-1"] == list(range(0, 100, 5))
    assert {line.id for line in flushed.dropped} | set(delivered) == {line.id for line in lines}
    room.receive_batch(Batch((line("g-200"),)), now=1.0)
    later = room.flush(1.1)
    assert later is not None and len(later.tick.chat) == 1


def test_overloaded_worker_sheds_guests_chat_and_joins_but_not_events_and_staff() -> None:
    room = opened()
    room.receive_events("e1", (stock(1),))
    room.receive_batch(
        Batch(
            (line("g-1"), line("h-1", role="host")),
            joins=("a",),
            purchase=Purchase("order", "李*", "p1"),
        ),
        now=1.0,
    )
    flushed = room.flush(1.0, sheds_chat=True)
    assert flushed is not None
    assert [event.o for event in flushed.tick.events] == [1]
    assert [line.id for line in flushed.tick.chat] == ["h-1"]
    assert [line.id for line in flushed.dropped] == ["g-1"]
    assert (flushed.tick.joins, flushed.tick.purchase) == ((), None)
    room.receive_batch(Batch((line("g-2"),), joins=("b",)), now=1.0)
    later = room.flush(2.0)
    assert later is not None
    assert ([line.id for line in later.tick.chat], later.tick.joins) == (["g-2"], ("b",))


def test_urgent_event_makes_the_next_tick_urgent() -> None:
    room = opened()
    room.receive_events("e1", (stock(1),))
    assert not room.urgent
    room.receive_events("e1", (stock(2, left=0),))
    assert room.urgent
    room.flush(1.0)
    assert not room.urgent


def test_purchase_takes_one_place_in_a_tick_and_no_tick_when_it_is_only_counted() -> None:
    room = opened()
    room.receive_events("e1", (stock(1),))
    room.receive_batch(
        Batch((line("a-1"),), ("b",), Purchase("group", "李*", "p1"), ("o1",)), now=1.0
    )
    flushed = room.flush(1.0)
    assert flushed is not None
    tick = flushed.tick
    assert tick.purchase == Purchase("group", "李*", "p1")
    assert (len(tick.events), len(tick.chat), tick.joins) == (1, 1, ("b",))
    room.receive_batch(Batch(purchase=Purchase("order", "王*", "p2"), order_ids=("o2",)), now=2.0)
    assert not room.is_due
    room.receive_batch(Batch(purchase=Purchase("order", "", "p3"), order_ids=("o3",)), now=9.0)
    later = room.flush(9.0)
    assert later is not None
    assert later.tick.purchase == Purchase("order", "", "p3", others=1)
    assert room.recover(Position("e1", 0)) == Tick(
        epoch="e1", offset=1, events=(stock(1),), counters=Counters()
    )
