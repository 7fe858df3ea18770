"""What every `RoomBus` does: memory, Valkey and Redis 7.0."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from rooms.io.memory import MemoryRoomBus, MemoryRoomLog, MemoryRooms
from rooms.io.redis_bus import RedisRoomBus
from rooms.io.redis_log import RedisRoomLog
from rooms.log import Batch, People, RoomBus, RoomLog, Tally
from rooms.messages import Counters
from rooms.state import CHAT_LINES_MAX
from server.bridge.channels.cards import StockChanged
from server.bridge.channels.registry import RULES
from server.redis_client import open_redis
from tests.support.room_examples import line
from tests.support.room_listeners import RecordingListener
from tests.support.waiting import WAIT_S, wait_until

CHANNEL = "room:demo"


class System:
    """Log and any number of workers' buses on one store."""

    def __init__(self, log: RoomLog, make_bus: Callable[[], RoomBus]) -> None:
        self.log = log
        self._make_bus = make_bus
        self._tasks: list[asyncio.Task[None]] = []

    async def worker(self) -> tuple[RoomBus, RecordingListener]:
        bus, listener, ready = self._make_bus(), RecordingListener(), asyncio.Event()
        self._tasks.append(asyncio.create_task(bus.run(listener, ready.set)))
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        return bus, listener

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture(params=["memory", "valkey", "redis7"])
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    if request.param == "memory":
        rooms = MemoryRooms(RULES)
        made = System(MemoryRoomLog(rooms), lambda: MemoryRoomBus(rooms))
        yield made
        await made.close()
        return
    redis = open_redis(request.getfixturevalue(f"{request.param}_url"))
    made = System(RedisRoomLog(redis, RULES), lambda: RedisRoomBus(redis, RULES))
    try:
        yield made
    finally:
        await made.close()
        await redis.aclose()


async def test_appended_events_reach_every_worker_that_joined(system: System) -> None:
    (one, listener_one), (two, listener_two) = await system.worker(), await system.worker()
    _, listener_three = await system.worker()
    await one.join(CHANNEL)
    await two.join(CHANNEL)
    epoch = (await system.log.append(CHANNEL, [StockChanged(product_id="p", left=2)])).epoch
    await system.log.append("room:other", [StockChanged(product_id="p", left=1)])
    expected = [(CHANNEL, epoch, (StockChanged(o=1, product_id="p", left=2),))]
    await wait_until(lambda: listener_one.events and listener_two.events)
    assert listener_one.events == listener_two.events == expected
    assert listener_three.events == []


async def test_left_channel_delivers_nothing_until_it_is_joined_again(system: System) -> None:
    bus, listener = await system.worker()
    await bus.join(CHANNEL)
    await bus.leave(CHANNEL)
    await bus.publish(CHANNEL, Batch(joins=("left",)))
    await bus.join(CHANNEL)
    await bus.publish(CHANNEL, Batch(joins=("again",)))
    await wait_until(lambda: listener.batches)
    assert listener.batches == [(CHANNEL, Batch(joins=("again",)))]


async def test_batches_arrive_in_order_at_their_sender_too(system: System) -> None:
    bus, listener = await system.worker()
    await bus.join(CHANNEL)
    batches = [Batch((line(f"a-{at}"),), ("小林",)) for at in range(20)]
    for batch in batches:
        await bus.publish(CHANNEL, batch)
    await wait_until(lambda: len(listener.batches) == 20)
    assert [batch for _, batch in listener.batches] == batches


async def test_newest_chat_is_kept_for_newcomers(system: System) -> None:
    bus, _ = await system.worker()
    assert await bus.recent_chat(CHANNEL) == ()
    lines = tuple(line(f"a-{at}") for at in range(CHAT_LINES_MAX + 5))
    await bus.publish(CHANNEL, Batch(lines[:30]))
    await bus.publish(CHANNEL, Batch(lines[30:]))
    assert await bus.recent_chat(CHANNEL) == lines[-CHAT_LINES_MAX:]


async def test_private_messages_reach_every_worker(system: System) -> None:
    (one, listener_one), (_, listener_two) = await system.worker(), await system.worker()
    sent = [("g1", b"\x00\xff private"), ("g2", b"another"), ("g1", b"a second")]
    await one.send_private(sent)
    await wait_until(lambda: len(listener_one.private) == len(listener_two.private) == len(sent))
    assert listener_one.private == listener_two.private == sent


async def test_viewers_are_summed_over_workers_and_likes_over_time(system: System) -> None:
    bus, _ = await system.worker()
    assert (await bus.tally(CHANNEL, "one", 3, 0)).counters == Counters(3, 0)
    assert (await bus.tally(CHANNEL, "two", 4, 10)).counters == Counters(7, 10)
    assert (await bus.tally(CHANNEL, "one", 1, 5)).counters == Counters(5, 15)
    assert (await bus.tally(CHANNEL, "two", 0, 0)).counters == Counters(1, 15)
    assert (await bus.tally("room:other", "one", 0, 0)).counters == Counters(0, 0)


async def test_likes_are_those_of_the_newest_live(system: System) -> None:
    bus, _ = await system.worker()
    assert (await bus.tally(CHANNEL, "one", 3, 10, 1_000)).counters == Counters(3, 10)
    assert (await bus.tally(CHANNEL, "one", 3, 2, 1_000)).counters == Counters(3, 12)
    assert (await bus.tally(CHANNEL, "one", 3, 1, 2_000)).counters == Counters(3, 1)
    # A worker that has not seen the new live yet, and one without viewers, change nothing.
    assert (await bus.tally(CHANNEL, "two", 1, 50, 1_000)).counters == Counters(4, 1)
    assert (await bus.tally(CHANNEL, "three", 0, 0)).counters == Counters(4, 1)


async def test_person_at_several_workers_counts_once(system: System) -> None:
    bus, _ = await system.worker()
    lin, chen, wu = b"lin", b"chen\x00 \xff", b"wu"
    assert not (await bus.tally(CHANNEL, "one", 2, 0)).is_shared
    assert (await bus.tally(CHANNEL, "two", 2, 0)).is_shared
    one = await bus.tally(CHANNEL, "one", 2, 0, 0, People(True, (lin, chen)))
    assert one == Tally(Counters(4, 0), knows_people=True, is_shared=True)
    two = await bus.tally(CHANNEL, "two", 2, 0, 0, People(True, (lin, wu)))
    assert two.counters.viewers == 3
    assert (await bus.tally(CHANNEL, "one", 2, 0)).counters.viewers == 3
    assert (await bus.tally(CHANNEL, "three", 1, 0, 0, People(True, (lin,)))).counters.viewers == 3
    left = People(False, (wu,), (lin,))
    assert (await bus.tally(CHANNEL, "one", 2, 0, 0, left)).counters.viewers == 3
    assert (await bus.tally(CHANNEL, "three", 0, 0)).counters.viewers == 3
    again = People(True, (lin, wu))  # it does not know what arrived
    assert (await bus.tally(CHANNEL, "two", 2, 0, 0, again)).counters.viewers == 3
    assert (
        await bus.tally(CHANNEL, "two", 1, 0, 0, People(False, (), (wu,)))
    ).counters.viewers == 3
    assert (await bus.tally(CHANNEL, "two", 0, 0)) == Tally(Counters(2, 0), False, True)


async def test_changes_of_a_worker_whose_people_are_not_known_are_asked_for_anew(
    system: System,
) -> None:
    bus, _ = await system.worker()
    changed = await bus.tally(CHANNEL, "one", 1, 0, 0, People(False, (b"lin",)))
    assert not changed.knows_people
    assert (await bus.tally(CHANNEL, "one", 1, 0, 0, People(True, (b"lin",)))).knows_people
    assert (await bus.tally(CHANNEL, "two", 1, 0, 0, People(True, (b"lin",)))).counters.viewers == 1
