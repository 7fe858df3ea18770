"""Two workers on one Valkey: no event is lost or duplicated, whatever breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from rooms.io import hub as hub_module
from rooms.io.hub import RoomHub
from rooms.io.redis_log import RedisRoomLog
from rooms.log import LogUnavailable, Position
from server.bridge.channels.cards import CardPinned, StockChanged
from server.bridge.channels.orders import YourOrder
from server.bridge.channels.registry import RULES, RoomState
from server.ws.wire import CODECS, MSGPACK
from tests.support.room_examples import card, order
from tests.support.room_hubs import GUEST, Client, Server, serving
from tests.support.room_replica import Replica
from tests.support.valkey import Valkey
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path)
    valkey.start()
    yield valkey
    valkey.kill()


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncIterator[Redis]:
    client = valkey.client()
    yield client
    await client.aclose()


@contextlib.asynccontextmanager
async def worker(redis: Redis) -> AsyncIterator[Server]:
    hub = await RoomHub.open(redis, CODECS, RULES)
    try:
        async with serving(hub) as server:
            yield server
    finally:
        await hub.close()


@pytest.fixture
async def one(redis: Redis) -> AsyncIterator[Server]:
    async with worker(redis) as server:
        yield server


@pytest.fixture
async def two(redis: Redis) -> AsyncIterator[Server]:
    async with worker(redis) as server:
        yield server


class Watcher:
    """A viewer that applies all it receives."""

    def __init__(self, client: Client) -> None:
        self.replica = Replica()
        self.replica.receive(client.first)
        self._client = client

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, server: Server) -> AsyncIterator["Watcher"]:
        async with server.viewer(subprotocol=MSGPACK) as client, asyncio.TaskGroup() as tasks:
            watcher = cls(client)
            task = tasks.create_task(watcher._listen())
            yield watcher
            task.cancel()

    async def _listen(self) -> None:
        while True:
            self.replica.receive(await self._client.receive())

    @property
    def position(self) -> Position:
        assert self.replica.position is not None
        return self.replica.position

    def is_at(self, position: Position) -> bool:
        return self.position == position

    @property
    def lefts(self) -> list[int]:
        return [event["left"] for event in self.replica.events]


def stock(left: int) -> StockChanged:
    return StockChanged(product_id="p1", left=left)


async def announce_until_done(server: Server, left: int) -> Position:
    """Announce until it is appended, as the outbox does."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await server.hub.announce(ROOM, stock(left))
            except LogUnavailable:
                await asyncio.sleep(0.02)


async def both_reach_the_end(redis: Redis, here: Watcher, there: Watcher) -> None:
    end = await RedisRoomLog(redis, RULES).position(ROOM)
    await wait_until(lambda: here.is_at(end) and there.is_at(end))


async def test_events_of_one_worker_reach_the_viewers_of_all(one: Server, two: Server) -> None:
    async with Watcher.of(one) as here, Watcher.of(two) as there:
        for left in range(200, 0, -1):
            end = await (one, two)[left % 2].hub.announce(ROOM, stock(left))
        await wait_until(lambda: here.is_at(end) and there.is_at(end))
        assert here.lefts == there.lefts == list(range(200, 0, -1))
        assert here.replica.snapshots == there.replica.snapshots == 1


async def test_chat_likes_and_counts_reach_other_workers(one: Server, two: Server) -> None:
    async with (
        one.viewer(token=one.token(GUEST)) as here,
        two.viewer() as there,
    ):
        await here.send(t="chat", cid="c", text="你好")
        await here.send(t="like", n=4)
        assert (await there.receive_until(chat=None))["chat"][0]["text"] == "你好"
        await there.receive_until(counters={"viewers": 2, "likes": 4})
        await two.hub.send_private(("g1", YourOrder(order=order("o1"))))
        assert (await here.receive_until(t="you"))["event"]["order"]["id"] == "o1"
    assert one.hub.viewers("room:other") == 0
    async with two.viewer("room:other"):
        await wait_until(lambda: one.hub.viewers("room:other") == 1)


async def test_viewer_recovers_on_another_worker(one: Server, two: Server) -> None:
    async with one.viewer() as viewer, two.viewer():
        epoch = viewer.first["epoch"]
        await one.hub.announce(ROOM, stock(9))
        await viewer.receive_event("stock")
        await one.hub.announce(ROOM, stock(8))
    async with two.viewer(epoch=epoch, offset=1) as viewer:
        assert viewer.welcome["recovered"] is True
        assert [event["left"] for event in await viewer.receive_events(1)] == [8]


async def test_viewer_ahead_of_a_worker_never_goes_back(
    one: Server, two: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "CATCH_UP_TIMEOUT_S", WAIT_S)
    async with two.viewer() as witness:
        epoch = witness.first["epoch"]
        local = two.hub.room(ROOM)
        assert local is not None
        # The other worker has not flushed yet what this viewer received here.
        for left in range(10):
            end = await one.hub.announce(ROOM, stock(left))
            async with two.viewer(epoch=epoch, offset=end.offset) as viewer:
                assert viewer.welcome["recovered"] is True
                assert viewer.first["offset"] >= end.offset


async def test_events_survive_a_broken_bus_without_gap_or_duplicate(
    one: Server, two: Server, redis: Redis
) -> None:
    async with Watcher.of(one) as here, Watcher.of(two) as there:
        for left in range(300):
            if left % 60 == 30:
                await redis.client_kill_filter(_type="pubsub")
            end = await one.hub.announce(ROOM, stock(left))
        await wait_until(lambda: here.is_at(end) and there.is_at(end))
        assert here.lefts == there.lefts == list(range(300))
        assert here.replica.snapshots == there.replica.snapshots == 1
        assert one.hub.counts.bus_restored_total > 0


async def test_viewers_stay_connected_and_converge_after_valkey_is_killed(
    one: Server, two: Server, valkey: Valkey, redis: Redis
) -> None:
    async with Watcher.of(one) as here, Watcher.of(two) as there:
        await one.hub.announce(ROOM, CardPinned(card=card("p1")), CardPinned(card=card("p2")))
        for round_number in range(2):
            for left in range(40):
                await announce_until_done(one, left)
            valkey.kill()
            waiting = asyncio.create_task(announce_until_done(two, 1000 + round_number))
            with pytest.raises(LogUnavailable):
                await one.hub.announce(ROOM, stock(-1))
            async with one.viewer() as meanwhile:  # Open rooms still take viewers.
                assert meanwhile.first["t"] == "snapshot"
            valkey.start()
            await waiting
            for left in range(40):
                await announce_until_done(two, left)
            await both_reach_the_end(redis, here, there)
        reading = await RedisRoomLog(redis, RULES).read(ROOM)
        assert isinstance(reading.state, RoomState)
        for watcher in (here, there):
            state = watcher.replica.state
            assert isinstance(state, RoomState)
            assert state.cards == reading.state.cards
            assert len(state.cards) == 2
            # Once on joining, and once after each restart, which may have lost something.
            assert watcher.replica.snapshots == 3
        assert one.hub.counts.closed_total == two.hub.counts.closed_total == {}


async def test_wiped_log_gives_every_viewer_a_snapshot_of_a_new_epoch(
    one: Server, two: Server, redis: Redis
) -> None:
    async with Watcher.of(one) as here, Watcher.of(two) as there:
        before = await one.hub.announce(ROOM, stock(9))
        await wait_until(lambda: here.is_at(before) and there.is_at(before))
        await redis.flushall()
        after = await one.hub.announce(ROOM, stock(8))
        assert after.epoch != before.epoch
        await wait_until(lambda: here.is_at(after) and there.is_at(after))
        assert here.replica.snapshots == there.replica.snapshots == 2


async def test_chat_within_a_worker_survives_the_loss_of_redis(
    one: Server, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "OPEN_TIMEOUT_S", 0.2)
    async with one.viewer(token=one.token(GUEST)) as here, one.viewer() as there:
        valkey.kill()
        await here.send(t="chat", cid="c", text="anybody?")
        await here.receive_until(t="ack")
        assert (await there.receive_until(chat=None))["chat"][0]["text"] == "anybody?"
        async with one.client() as client:
            await client.send(t="hello", channel="room:other")
            assert await client.close_code() == 3013


async def test_a_person_at_two_workers_counts_once(one: Server, two: Server) -> None:
    token = {"token": one.token(GUEST)}
    async with one.viewer(**token), two.viewer(token=two.token(GUEST)), two.viewer() as other:
        await wait_until(lambda: one.hub.viewers(ROOM) == two.hub.viewers(ROOM) == 2)
        await other.socket.close()
        await wait_until(lambda: one.hub.viewers(ROOM) == two.hub.viewers(ROOM) == 1)
    await wait_until(lambda: one.hub.viewers(ROOM) == two.hub.viewers(ROOM) == 0)
