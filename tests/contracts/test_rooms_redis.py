"""What only Redis can get wrong: keys without TTL, restarts, resends, lost connections."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from rooms.io import scripts
from rooms.io.redis_bus import RedisRoomBus
from rooms.io.redis_log import SAVE_EVERY_EVENTS, RedisRoomLog, channel_key
from rooms.log import Batch, LogUnavailable, People, Tally
from rooms.messages import Counters
from server.bridge.channels.cards import CardPinned, StockChanged
from server.bridge.channels.registry import RULES, RoomState
from server.redis_client import open_redis
from tests.support.count_channels import Added, CountRules, Restarted, Sum
from tests.support.room_examples import card, line
from tests.support.room_listeners import RecordingListener
from tests.support.waiting import WAIT_S, wait_until

CHANNEL = "room:demo"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url)
    try:
        yield client
    finally:
        await client.aclose()


async def test_every_key_has_a_ttl_and_its_channels_hash_tag(redis: Redis) -> None:
    log, bus = RedisRoomLog(redis, RULES), RedisRoomBus(redis, RULES)
    await log.read("room:fresh")
    await log.position("room:asked")
    for at in range(300):
        await log.append(CHANNEL, [StockChanged(product_id="p", left=at)])
    await bus.publish(CHANNEL, Batch((line("a-1"),)))
    await bus.tally(CHANNEL, "one", 2, 3)
    await bus.tally("room:empty", "one", 0, 0)
    await bus.tally(CHANNEL, "two", 1, 0, 0, People(True, (b"lin",)))
    keys: list[Any] = await redis.keys("*")
    assert {key.rpartition(b":")[2] for key in keys} >= {
        b"meta", b"log", b"chat", b"tally", b"people",
    }  # fmt: skip
    for key in keys:
        assert re.match(rb"rooms:\{room:\w+\}:", key), key
        assert await redis.pttl(key) > 0, key


async def test_resent_append_is_applied_once(redis: Redis) -> None:
    script = redis.register_script(scripts.APPEND)
    keys = [channel_key(CHANNEL, kind) for kind in ("meta", "log", "done:token")]
    event = b"\x83\xa1k\xa5stock\xaaproduct_id\xa1p\xa4left\x01"
    first = await script(keys=keys, args=["e1", 60_000, "t", 100, 60_000, 0, event])
    again = await script(keys=keys, args=["e2", 60_000, "t", 100, 60_000, 0, event])
    assert first == again == [b"e1", 1, 0]
    assert await redis.xlen(channel_key(CHANNEL, "log")) == 1


async def test_restarted_redis_continues_in_a_new_epoch(redis: Redis) -> None:
    log = RedisRoomLog(redis, RULES)
    before = await log.append(CHANNEL, [CardPinned(card=card("p1"))])
    # As if another server had written last.
    await redis.hset(channel_key(CHANNEL, "meta"), "run", "0" * 40)
    assert await log.position(CHANNEL) == before
    after = await log.append(CHANNEL, [CardPinned(card=card("p2"))])
    assert after.epoch != before.epoch
    assert after.offset == 2
    reading = await log.read(CHANNEL)
    assert isinstance(reading.state, RoomState)
    assert [item.product.id for item in reading.state.cards] == ["p2", "p1"]
    assert (await log.append(CHANNEL, [CardPinned(card=card("p3"))])).epoch == after.epoch


async def test_log_without_keys_starts_a_new_epoch_at_offset_one(redis: Redis) -> None:
    log = RedisRoomLog(redis, RULES)
    before = await log.append(CHANNEL, [CardPinned(card=card("p1"))] * 3)
    await redis.delete(channel_key(CHANNEL, "meta"))
    after = await log.append(CHANNEL, [CardPinned(card=card("p2"))])
    assert after.offset == 1
    assert after.epoch != before.epoch
    assert len((await log.read(CHANNEL)).events) == 1


async def test_viewers_of_a_dead_worker_expire_from_the_count(redis: Redis) -> None:
    bus = RedisRoomBus(redis, RULES)
    assert (await bus.tally(CHANNEL, "dead", 9, 0)).counters == Counters(9, 0)
    key = channel_key(CHANNEL, "tally")
    await redis.hset(key, "p:dead", "9 1")
    assert (await bus.tally(CHANNEL, "alive", 1, 0)).counters == Counters(1, 0)
    assert await redis.hget(key, "p:dead") is None


async def test_people_of_a_dead_worker_are_forgotten(redis: Redis) -> None:
    bus = RedisRoomBus(redis, RULES)
    await bus.tally(CHANNEL, "dead", 2, 0, 0, People(True, (b"lin", b"chen")))
    both = await bus.tally(CHANNEL, "alive", 2, 0, 0, People(True, (b"lin", b"wu")))
    assert both.counters == Counters(3, 0)
    await redis.hset(channel_key(CHANNEL, "tally"), "p:dead", "2 1")
    alone = await bus.tally(CHANNEL, "alive", 2, 0)
    assert alone == Tally(Counters(2, 0), knows_people=True, is_shared=False)
    assert await redis.hgetall(channel_key(CHANNEL, "people")) == {
        b"lin": b"alive",
        b"wu": b"alive",
    }


async def test_bus_reconnects_and_resubscribes_to_its_channels(redis: Redis) -> None:
    bus, listener, ready = RedisRoomBus(redis, RULES), RecordingListener(), asyncio.Event()
    task = asyncio.create_task(bus.run(listener, ready.set))
    try:
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        await bus.join(CHANNEL)
        await redis.client_kill_filter(_type="pubsub")
        await wait_until(lambda: listener.restored == 1, what="the bus")
        await bus.publish(CHANNEL, Batch(joins=("back",)))
        await wait_until(lambda: listener.batches)
        assert bus.restored_total == 1
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_calls_without_a_server_raise_log_unavailable(tmp_path: Any) -> None:
    async with open_redis(f"unix://{tmp_path}/nobody.sock") as redis:
        log, bus = RedisRoomLog(redis, RULES), RedisRoomBus(redis, RULES)
        event = StockChanged(product_id="p", left=1)
        for call in (
            log.append(CHANNEL, [event]),
            log.read(CHANNEL),
            log.position(CHANNEL),
            bus.join(CHANNEL),
            bus.publish(CHANNEL, Batch()),
            bus.send_private([("g1", b"")]),
            bus.tally(CHANNEL, "one", 1, 1),
            bus.recent_chat(CHANNEL),
        ):
            with pytest.raises(LogUnavailable):
                await call
        await bus.leave(CHANNEL)


async def test_log_and_bus_carry_what_their_rules_say(redis: Redis) -> None:
    rules, channel = CountRules(), "sum:a"
    log, bus = RedisRoomLog(redis, rules), RedisRoomBus(redis, rules)
    listener, ready = RecordingListener(), asyncio.Event()
    task = asyncio.create_task(bus.run(listener, ready.set))
    try:
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        await bus.join(channel)
        for _ in range(2):  # beyond the first time that the state is saved
            await log.append(channel, [Added(n=1)] * SAVE_EVERY_EVENTS)
        end = await log.append(channel, [Restarted(), Added(n=5)])
        await wait_until(lambda: listener.events and len(listener.events[-1][2]) == 2)
        added = Added(o=end.offset, n=5)
        assert listener.events[-1][2] == (Restarted(o=end.offset - 1), added)
        reading = await log.read(channel)
        assert (reading.state, reading.events[-1]) == (Sum(5), added)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
