"""Two nodes on one Valkey and one record: each leaves the other's lives alone."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from commerce.catalogue.values import Live, LiveState
from loadtest.actors.publish import Programme, publish
from media.events import PublisherGone, PublisherUp
from rooms.io.hub import RoomHub
from rooms.io.redis_log import RedisRoomLog
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.registry import RULES
from server.bridge.lives import OwnedLives
from server.bridge.redis_lease import RedisLeases
from server.ws.wire import CODECS
from tests.support.clips import CLIP
from tests.support.commerce_shop import Shop, open_shop
from tests.support.live_routes import PLAY_OFFER, SDP, WHEP
from tests.support.running import PASSWORD, SHOP, Running
from tests.support.waiting import wait_until

ROOM = "demo"
GRACE_S = 30.0
LONG_TTL_S, SHORT_TTL_S = 60.0, 0.05
LIVE, PAUSED, OVER = LiveState.LIVE, LiveState.PAUSED, LiveState.OVER


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """Nodes that share the Valkey and the record of a shop."""

    def __init__(self, shop: Shop, hub: RoomHub) -> None:
        self.clock = Clock()
        self.media_ended: list[str] = []
        self.shop = shop
        self._hub = hub

    def node(self, ttl_s: float = LONG_TTL_S) -> OwnedLives:
        """A worker that starts."""

        async def end_media(room_id: str) -> None:
            self.media_ended.append(room_id)

        leases = RedisLeases(self.shop.redis, ttl_s)
        record = self.shop.commerce.lives
        return OwnedLives(record, self._hub, leases, end_media, GRACE_S, clock=self.clock)

    async def killed_owner(self) -> None:
        """A node whose host is live, and that is no more; return when its lease has run out."""
        node = self.node(SHORT_TTL_S)
        await node.apply(PublisherUp(ROOM, returned=False))
        leases = RedisLeases(self.shop.redis)

        async def free() -> bool:
            return await leases.holder(ROOM) is None

        await wait_until(free, what="the end of the lease")

    async def pass_ttl(self, *nodes: OwnedLives) -> None:
        """Let a lease's time pass, with a check at its begin and end."""
        for step in (0.0, LONG_TTL_S):
            self.clock.now += step
            for node in nodes:
                await node.renew()
                await node.settle()
                await node.check()

    async def states(self) -> list[str]:
        """What the room's viewers saw."""
        return await announced(self.shop.redis)

    async def recorded(self) -> Live:
        """Where the record has the live."""
        return await self.shop.commerce.lives.live(ROOM)


async def announced(redis: Redis) -> list[str]:
    reading = await RedisRoomLog(redis, RULES).read(f"room:{ROOM}")
    return [event.state for event in reading.events if isinstance(event, LiveChanged)]


@pytest.fixture
async def cluster(database_url: str, redis_url: str) -> AsyncIterator[Cluster]:
    async with open_shop(database_url, redis_url) as shop:
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        try:
            yield Cluster(shop, hub)
        finally:
            await hub.close()


async def test_a_restarted_node_leaves_the_live_of_the_other_alone(cluster: Cluster) -> None:
    owner = cluster.node()
    await owner.apply(PublisherUp(ROOM, returned=False))
    for _ in range(2):
        await cluster.pass_ttl(cluster.node(), owner)
    assert await cluster.states() == ["live"]
    assert (await cluster.recorded()).state is LIVE


async def test_the_live_of_a_killed_node_is_paused_and_over_after_the_grace_time(
    cluster: Cluster,
) -> None:
    await cluster.killed_owner()
    other = cluster.node()
    await cluster.pass_ttl(other)
    assert await cluster.states() == ["live", "paused"]
    cluster.clock.now += GRACE_S
    await other.settle()
    assert await cluster.states() == ["live", "paused", "over"]
    assert (await cluster.recorded()).state is OVER


async def test_a_host_that_returns_to_another_node_keeps_its_live(cluster: Cluster) -> None:
    await cluster.killed_owner()
    started_at_ms = (await cluster.recorded()).started_at_ms
    caretaker, third = cluster.node(), cluster.node()
    await cluster.pass_ttl(caretaker)
    await third.apply(PublisherUp(ROOM, returned=False))
    cluster.clock.now += GRACE_S
    await caretaker.settle()  # the record refuses its end, and it gives the live up
    assert cluster.media_ended == [ROOM]
    assert await cluster.states() == ["live", "paused", "live"]
    recorded = await cluster.recorded()
    assert (recorded.state, recorded.started_at_ms) == (LIVE, started_at_ms)


async def test_the_record_refuses_a_stale_owner(cluster: Cluster) -> None:
    await cluster.killed_owner()
    newer = cluster.node()
    await newer.apply(PublisherUp(ROOM, returned=False))
    record = cluster.shop.commerce.lives
    before = await cluster.recorded()
    stale = Live(ROOM, OVER, before.started_at_ms, before.fence - 1)
    assert not await record.set_live(stale, "stale")
    tie = Live(ROOM, OVER, before.started_at_ms, before.fence)
    assert not await record.set_live(tie, "stale"), "the same fence from an emptied Redis"
    assert await cluster.recorded() == before
    await newer.apply(PublisherGone(ROOM))
    assert (await cluster.recorded()).state is OVER


@asynccontextmanager
async def host(server: Running) -> AsyncIterator[None]:
    token = await server.host_token()
    url = f"{server.url}/live/{ROOM}/whip"
    task = asyncio.create_task(publish(url, token, Programme(CLIP, copy=True)))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def is_in(server: Running, state: LiveState) -> bool:
    async with server.client() as client:
        return bool((await client.get(f"/api/rooms/{ROOM}")).json()["state"] == state)


async def shown(redis_url: str) -> list[str]:
    async with Redis.from_url(redis_url) as redis:
        return await announced(redis)


async def play_at_each(first: Running, second: Running) -> None:
    """A viewer of either node has a session of the one with the live, and ends it at the other."""
    workers = set()
    for node, other in ((first, second), (second, first)):
        async with node.client() as client, other.client() as elsewhere:
            session = await client.post(WHEP, content=PLAY_OFFER, headers=SDP)
            assert session.status_code == 201, session.text
            url = session.headers["Location"]
            workers.add(url.rsplit("/", 1)[1][:8])
            assert (await elsewhere.get(f"{url}/layer")).json()["layers"]
            assert (await elsewhere.delete(url)).status_code == 200
            assert (await client.get(url)).status_code == 404
    assert len(workers) == 1


@pytest.mark.soak
async def test_two_servers_hand_a_live_over_when_one_is_killed(
    tmp_path: Path, postgres_url: str, valkey_url: str
) -> None:
    shared = {
        "LINLI_DATABASE_URL": postgres_url,
        "LINLI_REDIS_URL": valkey_url,
        "LINLI_TOKEN_SECRET": "0123456789abcdef0123456789abcdef",
    }
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, second = (Running(folder, **shared) for folder in folders)
    await first.linli("db", "load", str(SHOP), "--password-stdin", stdin=PASSWORD)
    try:
        await first.start()
        async with host(first):
            await wait_until(lambda: is_in(first, LIVE), what="on air")
            await second.start()
            assert set(await shown(valkey_url)) == {"live"}
            await play_at_each(first, second)
            await first.kill()
        await wait_until(lambda: is_in(second, PAUSED), what="paused by the other server")
        async with host(second):
            await wait_until(lambda: is_in(second, LIVE), what="on air again")
        states = [state for state, _ in itertools.groupby(await shown(valkey_url))]
        assert states[:3] == ["live", "paused", "live"]
    finally:
        await first.stop()
        await second.stop()
