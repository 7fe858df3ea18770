"""A hub by itself: keepalive, idle rooms, lost logs, and its end."""

import asyncio
from typing import Any

import msgspec
import pytest

from rooms.events import Event
from rooms.io import hub as hub_module
from rooms.io.hub import RoomHub
from rooms.io.memory import MemoryRoomBus, MemoryRoomLog, MemoryRooms
from rooms.log import LogUnavailable, Position, Reading
from rooms.messages import Counters
from server.bridge.channels.cards import CardPinned, StockChanged
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.registry import RULES, RoomState
from server.ws.wire import CODECS
from tests.support.room_examples import card
from tests.support.room_hubs import memory_hub
from tests.support.room_subscribers import FakeSubscriber
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"


def received(subscriber: FakeSubscriber) -> list[dict[str, Any]]:
    """Decode what a JSON subscriber was sent; frames are short here."""
    return [msgspec.json.decode(frame[frame.index(b"{") :]) for frame in subscriber.received]


async def subscribed(hub: RoomHub) -> FakeSubscriber:
    local, subscriber = await hub.open_room(ROOM), FakeSubscriber(1)
    hub.subscribe(local, subscriber, None)
    return subscriber


async def test_closed_hub_leaves_no_task_viewer_or_bus() -> None:
    before = asyncio.all_tasks()
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as hub:
        await subscribed(hub)
        await wait_until(lambda: rooms.viewers[ROOM] == {hub.worker_id: 1})
    assert asyncio.all_tasks() == before
    assert rooms.viewers[ROOM] == {hub.worker_id: 0}
    assert rooms.buses == []
    await hub.close()


async def test_quiet_channel_sends_keepalive_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "KEEPALIVE_S", 0.05)
    async with memory_hub() as hub:
        subscriber = await subscribed(hub)
        await wait_until(lambda: {"t": "tick", "epoch": "m1", "offset": 0} in received(subscriber))


async def test_idle_room_is_closed_and_its_topic_unsubscribed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_ROOM_S", 0.05)
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as hub:
        subscriber = await subscribed(hub)
        local = hub.room(ROOM)
        assert local is not None
        hub.unsubscribe(local, subscriber)
        await wait_until(lambda: hub.room(ROOM) is None)
        await wait_until(lambda: rooms.buses[0]._joined == set())
        await subscribed(hub)


async def test_position_check_finds_events_that_the_log_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "POSITION_CHECK_S", 0.05)
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as hub:
        subscriber = await subscribed(hub)
        for left in range(3):
            await hub.announce(ROOM, StockChanged(product_id="p1", left=left))
        await wait_until(
            lambda: received(subscriber) and received(subscriber)[-1].get("offset") == 3
        )
        log = rooms.logs[ROOM]
        log.position = Position(log.position.epoch, 1)
        log.events.pop()
        log.events.pop()
        await wait_until(lambda: received(subscriber)[-1]["t"] == "snapshot")
        assert received(subscriber)[-1]["offset"] == 1


async def test_events_missed_while_the_bus_was_down_are_recovered() -> None:
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as hub, memory_hub(rooms) as other:
        subscriber = await subscribed(hub)
        rooms.cut()
        with pytest.raises(LogUnavailable):
            await hub.announce(ROOM, StockChanged(product_id="p1", left=1))
        rooms.down = False
        deaf, rooms.buses[:] = rooms.buses[:1], rooms.buses[1:]
        await other.announce(ROOM, StockChanged(product_id="p1", left=2))
        rooms.buses[:0] = deaf
        rooms.mend()
        await wait_until(
            lambda: received(subscriber) and received(subscriber)[-1].get("offset") == 1
        )
        assert all(message["t"] == "tick" for message in received(subscriber))


async def test_thousands_who_return_at_once_cost_one_reading_of_the_log() -> None:
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as other, memory_hub(rooms) as hub:
        await subscribed(other)
        for left in range(3):
            await other.announce(ROOM, StockChanged(product_id="p1", left=left))
        since = Position(rooms.logs[ROOM].position.epoch, 1)

        async def returns() -> FakeSubscriber:
            local, subscriber = await hub.open_room(ROOM), FakeSubscriber(1)
            subscription = hub.subscribe(local, subscriber, since)
            assert subscription.recovered
            return subscriber

        await asyncio.gather(*(returns() for _ in range(5_000)))
        assert hub.counts.log_readings_total == 1
        assert hub.counts.recovered_total == 5_000


async def test_lost_log_is_seeded_from_the_record() -> None:
    rooms = MemoryRooms(RULES)

    async def seed(channel: str) -> list[Event]:
        assert channel == ROOM
        return [LiveChanged(state="live", started_at_ms=7), CardPinned(card=card("p1"))]

    async with memory_hub(rooms) as hub, memory_hub(rooms) as other:
        hub.seed = other.seed = seed
        await asyncio.gather(subscribed(other), subscribed(hub))
        subscriber = await subscribed(hub)
        local = hub.room(ROOM)
        assert local is not None
        assert local.room.position.offset == 2
        del rooms.logs[ROOM]
        rooms.mend()
        await wait_until(
            lambda: received(subscriber)[-1:] and received(subscriber)[-1]["t"] == "snapshot"
        )
        snapshot = received(subscriber)[-1]
        assert snapshot["offset"] == 2
        assert snapshot["state"]["cards"][0]["product"]["id"] == "p1"


async def test_append_to_a_lost_log_is_followed_by_the_record() -> None:
    async def seed(channel: str) -> list[Event]:
        return [CardPinned(card=card("p1", 1)), CardPinned(card=card("p2", 2))]

    async with memory_hub() as hub:
        hub.seed = seed
        assert (await hub.announce(ROOM, CardPinned(card=card("p2", 2)))).offset == 3
        assert (await hub.announce(ROOM, StockChanged(product_id="p1", left=4))).offset == 4
        state = (await hub.open_room(ROOM)).room.state
        assert isinstance(state, RoomState)
        assert [(item.product.id, item.product.left) for item in state.cards] == [
            ("p2", 30),
            ("p1", 4),
        ]


async def test_viewers_of_a_room_without_local_viewers_are_counted() -> None:
    rooms = MemoryRooms(RULES)
    async with memory_hub(rooms) as hub:
        rooms.viewers["room:far"]["elsewhere"] = 7
        assert hub.viewers("room:far") == 0
        await wait_until(lambda: hub.viewers("room:far") == 7)
        assert (await MemoryRoomBus(rooms).tally("room:far", "x", 0, 0)).counters == Counters(7, 0)


async def test_error_in_a_task_ends_the_hub_and_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "OPEN_TIMEOUT_S", 0.2)

    class Broken(MemoryRoomLog):
        async def read(self, channel: str) -> Reading:
            raise ZeroDivisionError

    rooms = MemoryRooms(RULES)
    hub = RoomHub(Broken(rooms), MemoryRoomBus(rooms), CODECS, RULES)
    await hub.start()
    waiting = asyncio.create_task(hub.wait())
    with pytest.raises(LogUnavailable):
        async with asyncio.timeout(WAIT_S):
            await hub.open_room(ROOM)
    with pytest.raises(ExceptionGroup) as caught:
        await waiting
    assert caught.group_contains(ZeroDivisionError)
    with pytest.raises(ExceptionGroup):
        await hub.close()
