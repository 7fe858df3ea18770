"""A store that is away or full: the lake waits, goes on by itself, and has every fact once."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commerce.io.shop.lake_erasures import LakeErasures
from insight.errors import LakeConflict
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import MONEY
from server.bridge.facts import RecordSource
from server.bridge.lake import LakeKeeper
from server.bridge.redis_lease import RedisLeases
from server.ops.lake import Comparison, compare, open_lake
from server.settings import Settings
from tests.support.closable_proxy import ClosableProxy, closable_proxy
from tests.support.commerce_shop import open_shop, running
from tests.support.figures import Figures
from tests.support.lake_facts import FactMaker
from tests.support.s3 import BUCKET, s3_server
from tests.support.waiting import wait_until

AWAY_S = float(os.environ.get("LINLI_SOAK_S", "60"))
ORDERS_BEFORE, ORDERS_MEANWHILE = 20, 60
CATCH_UP_S_MAX = 240.0
TMPFS_BYTES = 2 << 20
FILL_BYTES = 1 << 16


def lake_url(proxy: ClosableProxy) -> str:
    return f"s3://key:secret@{BUCKET}/lake?endpoint=http://127.0.0.1:{proxy.port}&region=us-east-1"


@contextlib.asynccontextmanager
async def bucket() -> AsyncIterator[ClosableProxy]:
    """The way to a server with an empty bucket."""
    async with s3_server() as server, closable_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, smaller than what is to be written."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@contextlib.asynccontextmanager
async def filling(shop: Any, settings: Settings) -> AsyncIterator[LakeKeeper]:
    """A keeper at work for the block."""
    keeper = LakeKeeper(
        open_lake(settings),
        (RecordSource(shop.commerce.facts),),
        RedisLeases(shop.redis, kind="insight"),
        shop.commerce.facts,
        LakeErasures(shop.commerce.shop),
        owner="a",
    )
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def outlived(
    shop: Any,
    settings: Settings,
    take: Callable[[], Awaitable[None]],
    give_back: Callable[[], Awaitable[None]],
) -> tuple[Comparison, float]:
    """Sell with the store there, away and back; return how lake and record then compare."""

    async def sell(first: int, count: int) -> None:
        for number in range(first, first + count):
            await shop.commerce.orders.place(shop.tap(f"h{number}"))

    async def caught_up() -> bool:
        result = await compare(settings)
        return result.behind == 0 and result.position > 0

    async with running(shop.commerce), filling(shop, settings):
        await sell(0, ORDERS_BEFORE)
        await wait_until(caught_up, CATCH_UP_S_MAX, "the first facts")
        await take()
        await sell(ORDERS_BEFORE, ORDERS_MEANWHILE)
        await asyncio.sleep(AWAY_S)
        await give_back()
        began_s = asyncio.get_running_loop().time()
        await wait_until(caught_up, CATCH_UP_S_MAX, "the facts of the time without a store")
        waited_s = asyncio.get_running_loop().time() - began_s
    return await compare(settings), waited_s


async def test_a_bucket_that_was_away_has_every_fact_once_after_catching_up(
    sqlite_url: str, valkey_url: str, tmp_path: Path, figures: Figures
) -> None:
    async with bucket() as proxy, open_shop(sqlite_url, valkey_url) as shop:
        settings = Settings(database_url=sqlite_url, data_dir=tmp_path, lake_url=lake_url(proxy))
        result, waited_s = await outlived(shop, settings, proxy.close, proxy.open)
        orders = "SELECT COUNT(*), COUNT(DISTINCT order_id) FROM order_lines"
        placed = await asyncio.to_thread(open_lake(settings).sql, orders)
    assert result.ok and result.behind == 0
    assert placed[1] == [(ORDERS_BEFORE + ORDERS_MEANWHILE,) * 2]
    figures.at_most("the lake's catch-up after its bucket was away", waited_s, CATCH_UP_S_MAX, "s")


async def test_of_two_writers_to_a_bucket_one_loses(tmp_path: Path) -> None:
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000))

    def race(settings: Settings) -> list[tuple[Any, ...]]:
        def write_first(table: str) -> None:
            if table == MONEY.name:
                LakeWriter(open_lake(settings)).write(history.made)

        writer = LakeWriter(open_lake(settings), write_first)
        writer.position("record")
        with pytest.raises(LakeConflict):
            writer.write(history.made)
        return open_lake(settings).sql("SELECT COUNT(*) FROM money")[1]

    async with bucket() as proxy:
        settings = Settings(data_dir=tmp_path, lake_url=lake_url(proxy))
        assert await asyncio.to_thread(race, settings) == [(1,)]


async def test_a_disk_that_was_full_has_every_fact_once_after_catching_up(
    small_disk: Path, sqlite_url: str, valkey_url: str, tmp_path: Path, figures: Figures
) -> None:
    settings = Settings(
        database_url=sqlite_url, data_dir=tmp_path, lake_url=str(small_disk / "lake")
    )
    filler = small_disk / "filler"

    async def fill() -> None:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(FILL_BYTES)) == FILL_BYTES:
                pass

    async def make_room() -> None:
        filler.unlink()

    async with open_shop(sqlite_url, valkey_url) as shop:
        result, waited_s = await outlived(shop, settings, fill, make_room)
    assert result.ok and result.behind == 0
    here = Lake(str(small_disk / "lake"))
    [(lines, orders)] = here.sql("SELECT COUNT(*), COUNT(DISTINCT order_id) FROM order_lines")[1]
    assert (lines, orders) == (ORDERS_BEFORE + ORDERS_MEANWHILE,) * 2
    figures.at_most("the lake's catch-up after its disk was full", waited_s, CATCH_UP_S_MAX, "s")
