"""Viewers whose sockets take less than a room sends."""

import asyncio

import pytest

from rooms.io import audience, local_room
from rooms.log import Batch
from server.bridge.channels.cards import StockChanged
from server.ws import registry
from tests.support.raw_sockets import HELLO, raw
from tests.support.room_examples import line
from tests.support.room_hubs import GUEST, Server
from tests.support.room_replica import Replica
from tests.support.waiting import WAIT_S, wait_until

ROOM = "room:demo"


class Chatter:
    """A host who chats a lot; staff's lines are never dropped."""

    def __init__(self, server: Server) -> None:
        self._hub = server.hub
        self._number = 0

    def more(self) -> bool:
        self._number += 1
        lines = tuple(line(f"c-{self._number}-{at}", "好" * 100, "host") for at in range(20))
        self._hub.on_batch(ROOM, Batch(lines))
        return True


async def test_chat_over_the_rate_is_sampled_but_echoed_to_its_sender(
    server: Server,
) -> None:
    async with server.viewer(token=server.token(GUEST)) as guest, server.viewer() as other:
        local = server.hub.room(ROOM)
        assert local is not None
        crowd = tuple(line(f"crowd-{number}") for number in range(200))
        server.hub.on_batch(ROOM, Batch(crowd))
        client = guest.welcome["client"]
        server.hub.on_batch(ROOM, Batch((line(f"{client}-1"), line("h-1", role="host"))))
        delivered: list[str] = []
        while "h-1" not in delivered:
            delivered += [line["id"] for line in (await other.receive_until(chat=None))["chat"]]
        own: list[str] = []
        while f"{client}-1" not in own:
            own += [line["id"] for line in (await guest.receive_until(chat=None))["chat"]]
        assert len(delivered) <= 22
    assert server.hub.counts.lossy_dropped_total >= 180


async def test_slow_viewer_loses_the_lossy_lane_then_gets_a_snapshot(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_room, "TICK_S", 0.001)
    async with server.viewer() as slow:
        counts, replica = server.hub.counts, Replica()
        replica.receive(slow.first)
        slow.socket.transport.pause_reading()
        chatter = Chatter(server)
        await wait_until(
            lambda: chatter.more() and counts.slow_thinned_total == 1,
            what="thinning",
            poll_s_max=0.01,
        )
        local = server.hub.room(ROOM)
        assert local is not None
        subscriber = local.audience.subscribers()[0]
        for left in range(3000):
            server.hub.on_events(
                ROOM,
                slow.first["epoch"],
                tuple(
                    StockChanged(o=left * 20 + at + 1, at_ms=1, product_id="p" * 60, left=left)
                    for at in range(20)
                ),
            )
            await asyncio.sleep(0.001)
            if subscriber.level is audience.Level.STALE:
                break
        assert subscriber.level is audience.Level.STALE
        slow.socket.transport.resume_reading()
        while replica.snapshots < 2:
            message = await slow.receive()
            replica.receive(message)
        assert counts.slow_snapshots_total == 1
        assert local.audience.subscribers()[0].level is audience.Level.FULL


async def test_viewer_that_stays_behind_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_room, "TICK_S", 0.001)
    monkeypatch.setattr(audience, "BEHIND_S_MAX", 0.2)
    monkeypatch.setattr(registry, "CLOSE_S_MAX", 0.2)
    async with raw(server, HELLO, buffer=4096) as (reader, _):
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b"snapshot")
        counts = server.hub.counts
        chatter = Chatter(server)
        await wait_until(
            lambda: chatter.more() and counts.closed_total == {3008: 1},
            what="the close",
            poll_s_max=0.01,
        )
        await wait_until(lambda: counts.connections == 0, what="the cut")
        assert counts.slow_closed_total == 1
