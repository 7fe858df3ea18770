"""The engine runs rules that it has never seen: room, log and hub of channels that add numbers."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from rooms.io.memory import MemoryRoomLog, MemoryRooms
from rooms.log import Batch, Position, Reading
from rooms.messages import Counters
from rooms.room import ChannelReplica
from tests.support.count_channels import Added, CountRules, Nudged, Restarted, Sum, TalkedSum
from tests.support.room_examples import line
from tests.support.room_hubs import memory_hub
from tests.support.room_subscribers import FakeSubscriber
from tests.support.waiting import wait_until

RULES = CountRules()


def opened(channel: str) -> ChannelReplica:
    room = ChannelReplica(channel, RULES)
    room.begin_reading()
    room.adopt(Reading(Position("e1", 0), RULES.empty_state(channel), ()))
    return room


def test_room_adds_up_what_its_rules_say() -> None:
    room = opened("sum:a")
    room.receive_events("e1", (Added(o=1, n=3), Added(o=2, n=4)))
    assert not room.urgent
    room.receive_events("e1", (Added(o=3, n=100),))
    assert room.urgent
    flushed = room.flush(1.0)
    assert flushed is not None
    assert json.loads(msgspec.json.encode(flushed.tick))["events"][2] == {
        "k": "add",
        "o": 3,
        "at_ms": 0,
        "n": 100,
    }
    assert room.state == Sum(107)


def test_state_without_chat_takes_neither_lines_nor_counters() -> None:
    room = opened("sum:a")
    room.receive_batch(Batch((line("a-1"),)), now=1.0)
    room.receive_counters(Counters(5, 6))
    room.flush(1.0)
    assert room.state == Sum()


def test_likes_and_chat_start_anew_where_the_rules_say_something_begins() -> None:
    room = opened("talk:a")
    room.receive_batch(Batch((line("a-1"),)), now=1.0)  # said at 1 ms
    room.receive_counters(Counters(5, 6))
    room.flush(1.0)
    room.receive_counters(Counters(5, 7))
    room.receive_events("e1", (Restarted(o=1, at_ms=2),))
    flushed = room.flush(2.0)
    assert flushed is not None and flushed.tick.counters is None
    assert room.state == TalkedSum(0, 2, Counters(5, 0), ())


async def test_log_numbers_and_adds_up_what_its_rules_say() -> None:
    log = MemoryRoomLog(MemoryRooms(RULES))
    await log.append("sum:a", [Added(n=2), Restarted(), Added(n=5)])
    reading = await log.read("sum:a")
    assert reading.state == Sum(5)
    assert reading.events == (Added(o=1, n=2), Restarted(o=2), Added(o=3, n=5))


async def test_hub_shows_subscribers_what_its_rules_say() -> None:
    async with memory_hub(MemoryRooms(RULES)) as hub:
        subscriber = FakeSubscriber(1)
        subscriber.user_id = "u1"
        await hub.announce("talk:a", Added(n=2))
        local = await hub.open_room("talk:a")
        first = hub.subscribe(local, subscriber, None)
        assert decoded(first.frame)["state"]["total"] == 2
        await hub.announce("talk:a", Added(n=100))
        await hub.send_private(("u1", Nudged(by=7)))
        await wait_until(has(subscriber, lambda message: message["t"] == "tick"))
        await wait_until(has(subscriber, lambda message: message["t"] == "you"))
        assert local.room.state == TalkedSum(102)
        you = next(m for m in map(decoded, subscriber.received) if m["t"] == "you")
        assert you["event"] == {"k": "nudge", "by": 7}


def decoded(frame: bytes) -> dict[str, Any]:
    """Decode a short JSON frame."""
    message: dict[str, Any] = json.loads(frame[frame.index(b"{") :])
    return message


def has(subscriber: FakeSubscriber, wanted: Callable[[dict[str, Any]], bool]) -> Callable[[], bool]:
    return lambda: any(wanted(decoded(frame)) for frame in subscriber.received)
