"""What every `RoomLog` does: memory, Valkey and Redis 7.0."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rooms.events import Event
from rooms.io.memory import MemoryRoomLog, MemoryRooms
from rooms.io.redis_log import SAVE_EVERY_EVENTS, RedisRoomLog
from rooms.log import LOG_EVENTS_MAX, Position, RoomLog
from rooms.rules import apply
from server.bridge.channels.cards import CardPinned, CardUnpinned, StockChanged
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.orders import OrderChanged
from server.bridge.channels.registry import RULES, RoomState, StoreState
from server.redis_client import open_redis
from tests.support.room_examples import card, store_order

CHANNEL = "room:demo"


@pytest.fixture(params=["memory", "valkey", "redis7"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[RoomLog]:
    if request.param == "memory":
        yield MemoryRoomLog(MemoryRooms(RULES))
        return
    redis = open_redis(request.getfixturevalue(f"{request.param}_url"))
    try:
        yield RedisRoomLog(redis, RULES)
    finally:
        await redis.aclose()


def stock(left: int) -> StockChanged:
    return StockChanged(at_ms=1, product_id="p1", left=left)


async def test_new_log_is_empty_and_keeps_its_epoch(log: RoomLog) -> None:
    first = await log.read(CHANNEL)
    assert first.position.offset == 0
    assert first.state == RoomState()
    assert first.events == ()
    assert (await log.read(CHANNEL)).position == first.position
    assert await log.position(CHANNEL) == first.position


async def test_channels_have_separate_logs(log: RoomLog) -> None:
    await log.append(CHANNEL, [stock(1)])
    other = await log.read("room:other")
    assert other.position.offset == 0
    assert other.position.epoch != (await log.position(CHANNEL)).epoch


async def test_events_get_consecutive_offsets_and_are_read_back_equal(log: RoomLog) -> None:
    before = await log.position(CHANNEL)
    sent: list[Event] = [
        CardPinned(at_ms=5, card=card("p1")),
        stock(3),
        CardUnpinned(at_ms=6, product_id="p1"),
    ]
    first = await log.append(CHANNEL, sent[:2])
    second = await log.append(CHANNEL, sent[2:])
    assert (first, second) == (Position(before.epoch, 2), Position(before.epoch, 3))
    reading = await log.read(CHANNEL)
    assert reading.position == second
    assert [event.o for event in reading.events] == [1, 2, 3]
    assert [type(event) for event in reading.events] == [type(event) for event in sent]
    assert reading.events[0] == CardPinned(o=1, at_ms=5, card=card("p1"))


async def test_state_includes_every_event(log: RoomLog) -> None:
    await log.append(CHANNEL, [LiveChanged(state="live", started_at_ms=7)])
    await log.append(CHANNEL, [CardPinned(card=card("p1")), stock(3)])
    state = (await log.read(CHANNEL)).state
    assert isinstance(state, RoomState)
    assert state.live.state == "live"
    assert [(item.product.id, item.product.left) for item in state.cards] == [("p1", 3)]


async def test_store_log_has_events_and_no_state(log: RoomLog) -> None:
    await log.append("store:s1", [OrderChanged(order=store_order("o1"))])
    reading = await log.read("store:s1")
    assert reading.state == StoreState()
    assert reading.events == (OrderChanged(o=1, order=store_order("o1")),)


async def test_trimmed_events_stay_in_the_state(log: RoomLog) -> None:
    await log.append(CHANNEL, [LiveChanged(state="live", started_at_ms=7)])
    total = 1 + 2 * LOG_EVENTS_MAX + SAVE_EVERY_EVENTS
    for start in range(1, total, 128):
        await log.append(CHANNEL, [stock(at) for at in range(start, min(start + 128, total))])
    reading = await log.read(CHANNEL)
    assert reading.position.offset == total
    assert len(reading.events) == LOG_EVENTS_MAX
    assert [event.o for event in reading.events] == list(
        range(total - LOG_EVENTS_MAX + 1, total + 1)
    )
    assert isinstance(reading.state, RoomState)
    assert reading.state.live.state == "live"


async def test_concurrent_appends_never_interleave(log: RoomLog) -> None:
    async def append(worker: int) -> None:
        for _ in range(10):
            await log.append(CHANNEL, [stock(worker)] * 5)

    await asyncio.gather(*(append(worker) for worker in range(4)))
    reading = await log.read(CHANNEL)
    events = reading.events
    assert [event.o for event in events] == list(range(1, 201))
    left = [event.left for event in events if isinstance(event, StockChanged)]
    assert all(len(set(left[at : at + 5])) == 1 for at in range(0, 200, 5))


async def test_read_state_equals_applying_all_events(log: RoomLog) -> None:
    events = [CardPinned(card=card(f"p{at % 25}", at)) for at in range(60)]
    state = RULES.empty_state(CHANNEL)
    for event in events:
        await log.append(CHANNEL, [event])
        state = apply(RULES, state, (event,))
    assert (await log.read(CHANNEL)).state == state


async def test_only_one_of_several_seeds_a_log(log: RoomLog) -> None:
    begun = await asyncio.gather(
        *(log.append(CHANNEL, [stock(left), stock(left)], only_first=True) for left in range(5))
    )
    assert {position.offset for position in begun} == {2}
    await log.append(CHANNEL, [stock(9)])
    assert (await log.append(CHANNEL, [stock(7)], only_first=True)).offset == 3
    assert len((await log.read(CHANNEL)).events) == 3
