"""The role insight alone, as on another machine: 300 lives, 100,000 facts a minute, no media."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from commerce.catalogue.values import Estate, LiveState, Room, Store
from commerce.io.record.engine import wall_clock
from commerce.io.record.facts import Row, write_facts
from commerce.io.record.schema import lives, orders
from rooms.io.hub import RoomHub
from rooms.messages import Tick
from rooms.state import Snapshot
from server.bridge.channels.registry import RULES
from server.bridge.channels.wall import WallChanged
from server.bridge.wall import shown_wall
from server.ops.lake import open_lake
from server.settings import Settings
from server.ws.wire import CODECS
from tests.support.commerce_shop import NEAR, Shop, open_shop, shop_plan, text
from tests.support.figures import Figures
from tests.support.lake_lag import lags_ms
from tests.support.room_subscribers import FakeSubscriber
from tests.support.waiting import wait_until

LIVES = 300
FACTS_A_MINUTE = 100_000
FACTS_OF_ORDER = 5
FEED_EVERY_S = 0.1
MINUTES = 2
BEHIND_S_MAX = 2.0
MEMORY_MB_MAX = 600
HOUSEHOLDS = 20_000
ORDERS_AT_ONCE = round(FACTS_A_MINUTE / FACTS_OF_ORDER / 60 * FEED_EVERY_S)
COUNTS = "SELECT count(*), count(DISTINCT sequence) FROM facts WHERE source = 'record'"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """When each order was committed, and when the wall that was pushed had it."""

    committed: list[float] = field(default_factory=list)
    behind_s: list[float] = field(default_factory=list)

    def receive(self, message: Snapshot | Tick) -> None:
        """A push: all orders up to its count are on the wall."""
        now = time.monotonic()
        for event in message.events if isinstance(message, Tick) else ():
            if isinstance(event, WallChanged):
                shown = self.committed[len(self.behind_s) : event.figures.orders]
                self.behind_s += [now - at for at in shown]


@contextlib.asynccontextmanager
async def insight(url: str, redis_url: str, folder: Path) -> AsyncIterator[int]:
    """`linli serve --roles insight`; yields its process id."""
    settings = {"DATABASE_URL": url, "REDIS_URL": redis_url, "DATA_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--roles", "insight"),
        env={**os.environ, **{f"LINLI_{name}": value for name, value in settings.items()}},
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        assert await process.wait() == 0


def used(pid: int) -> tuple[float, int]:
    """Return seconds of CPU and the most MB of memory of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = status.partition("VmHWM:")[2].split()[0]
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND, int(peak) // 1024


def sell(connection: Connection, first: int, count: int) -> None:
    """Write orders as the ledger does, in one transaction: five facts of each, in four rows."""
    at_ms = wall_clock()
    rows = [_order(number, at_ms) for number in range(first, first + count)]
    connection.execute(insert(orders), rows)
    placed: list[Row] = []
    paid: list[Row] = []
    sold: list[Row] = []
    picked: list[Row] = []
    packed: list[Row] = []
    for row in rows:
        id, due = row["id"], row["due_at_ms"]
        line = {"product_id": "tea", "units": 1, "total_fen": 990}
        order = {name: row[name] for name in ("room_id", "store_id", "state", "total_fen")}
        order |= {"order_id": id, "group_id": "", "refused": "", "due_at_ms": due, "lines": [line]}
        whose = (row["estate_id"], row["household_id"], id)
        money = {"order_id": id, "kind": "charge", "amount_fen": 990}
        stock = {"product_id": "tea", "store_id": row["store_id"], "kind": "sell", "units": 1}
        placed.append(("order.placed", 1, at_ms, *whose, order))
        paid.append(("money.moved", 1, at_ms, "", "", id, money))
        sold.append(("stock.moved", 1, at_ms, "", "", id, stock))
        for found, version, before, after in (
            (picked, 2, "new", "picking"),
            (packed, 3, "picking", "packed"),
        ):
            move = {"order_id": id, "order_version": version, "due_at_ms": due}
            move |= {"from_state": before, "to_state": after}
            found.append(("order.moved", 1, at_ms, "", "", id, move))
    for facts in (placed, paid, sold, picked, packed):
        write_facts(connection, facts)


def _order(number: int, at_ms: int) -> dict[str, Any]:
    at = number % LIVES
    return {
        "id": f"o{number}",
        "number": str(number),
        "guest_id": f"g{number % HOUSEHOLDS}",
        "household_id": f"h{number % HOUSEHOLDS}",
        "estate_id": f"e{at}",
        "room_id": f"r{at}",
        "store_id": f"s{at}",
        "product_id": "tea",
        "quantity": 1,
        "total_fen": 990,
        "paid_fen": 990,
        "refunded_fen": 0,
        "state": "new",
        "version": 1,
        "created_at_ms": at_ms,
        "due_at_ms": at_ms + 1_800_000,
        "body_hash": "",
        "entry_id": f"{number}-0",
        "line_count": 0,
    }


async def test_a_wall_of_300_lives_and_100000_facts_a_minute_is_two_seconds_behind_at_most(
    sqlite_url: str, valkey_url: str, tmp_path: Path, figures: Figures
) -> None:
    plan = shop_plan()
    many = range(LIVES)
    plan = replace(
        plan,
        stores=(
            *plan.stores,
            *(Store(f"s{n}", text("shop"), text("street"), NEAR) for n in many if n not in (1, 2)),
        ),
        estates=(
            *plan.estates,
            *(Estate(f"e{n}", text("estate"), NEAR, "s1") for n in many if n not in (1, 2)),
        ),
        rooms=(*plan.rooms, *(Room(f"r{n}", text("kitchen"), "s1") for n in many)),
    )
    watched = Watched()
    async with open_shop(sqlite_url, valkey_url, plan=plan) as shop:
        await _go_live(shop)
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        await hub.watch("hq:b", watched.receive)
        hub.subscribe(await hub.open_room("hq:b"), FakeSubscriber(), None)
        try:
            async with insight(sqlite_url, valkey_url, tmp_path) as pid:
                await wait_until(partial(_shows_lives, shop), what="all lives on the wall")
                busy_s, _ = used(pid)
                began = time.monotonic()
                await _feed(shop, watched)
                spent_s = time.monotonic() - began
                busy_s = used(pid)[0] - busy_s
                await wait_until(lambda: len(watched.behind_s) == len(watched.committed))
                _, peak_mb = used(pid)
                facts = (await shop.commerce.facts.ends())[1]  # the shop's stock, too
                lake = open_lake(Settings(data_dir=tmp_path))

                async def is_kept() -> bool:
                    found = await asyncio.to_thread(lake.sql, COUNTS)
                    return found[1] == [(facts, facts)]

                await wait_until(is_kept, what="all facts in the lake")
                lags = await asyncio.to_thread(lags_ms, lake, "record")
        finally:
            await hub.close()
    behind = sorted(watched.behind_s)
    facts_a_minute = len(behind) * FACTS_OF_ORDER / spent_s * 60
    figures.seen("facts fed a minute, with lives", f"{facts_a_minute:,.0f}, {LIVES}")
    figures.seen("the wall behind, median", f"{behind[len(behind) // 2]:.2f} s")
    figures.seen("the wall behind, worst", f"{behind[-1]:.2f} s")
    figures.seen("insight's CPU per second", f"{busy_s / spent_s * 1_000:.0f} ms")
    figures.seen("insight's memory", f"{peak_mb} MB")
    figures.seen("facts into the lake, median lag", f"{lags[len(lags) // 2] / 1_000:.2f} s")
    figures.at_most("facts into the lake, lag p99", lags[len(lags) * 99 // 100] / 1_000, 5, "s")
    figures.at_most("the wall behind, p99", behind[len(behind) * 99 // 100], BEHIND_S_MAX, "s")
    figures.at_most("insight's memory", peak_mb, MEMORY_MB_MAX, "MB")


async def _shows_lives(shop: Shop) -> bool:
    shown = await shown_wall(shop.redis, "b")
    return shown is not None and len(json.loads(shown)["lives"]) == LIVES


async def _go_live(shop: Shop) -> None:
    now_ms = wall_clock()
    rows = [
        {"room_id": f"r{n}", "state": LiveState.LIVE.value, "started_at_ms": now_ms}
        for n in range(LIVES)
    ]
    async with shop.engine.begin() as connection:
        await connection.execute(insert(lives), rows)


async def _feed(shop: Shop, watched: Watched) -> None:
    """Sell at an even rate, whatever a transaction takes."""
    record = shop.commerce.record
    began = time.monotonic()
    for turn in range(round(60 * MINUTES / FEED_EVERY_S)):
        await asyncio.sleep(max(0.0, began + turn * FEED_EVERY_S - time.monotonic()))
        first = len(watched.committed)
        await record.transact(partial(sell, first=first, count=ORDERS_AT_ONCE))
        watched.committed += [time.monotonic()] * ORDERS_AT_ONCE
