"""Composes the role insight: in a server, or in a process of its own, without what serves.

Cabinets that send by MQTT are listened to by servers only.
"""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog
from redis.asyncio import Redis

from commerce.io.record.engine import Record, wall_clock
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.catalogue.news import CatalogueNews
from commerce.io.shop.context import ShopContext
from commerce.io.shop.facts import FactLog
from commerce.io.shop.lake_erasures import LakeErasures
from insight.errors import BadQuery
from insight.facts import CHATS, LIVES, PAGES
from insight.tables import CURVES_SQL
from insight.wall import DayCurve, day_curves
from rooms.io.hub import RoomHub
from server.bridge.channels.registry import RULES
from server.bridge.facts import FactSpool, RecordSource
from server.bridge.lake import LakeKeeper
from server.bridge.redis_lease import RedisLeases
from server.bridge.wall import WallKeeper
from server.errors import OperatorError
from server.ops.beats import beating, report_ready
from server.ops.insight_process import (
    InsightChild,
    TooLarge,
    environment,
    is_apart,
    watch_memory,
    yield_to_lives,
)
from server.ops.lake import open_lake
from server.ops.logs import configure_logs
from server.ops.opening import open_record, opening
from server.redis_client import open_redis
from server.settings import Settings
from server.worker import Worker, inherited
from server.ws.wire import CODECS

if TYPE_CHECKING:
    from commerce.io.commerce import Commerce
    from server.bridge.cabinet_mqtt import CabinetSubscriber

REDIS_WAIT_S = 5.0

log = structlog.get_logger()


class Runs(Protocol):
    """What works behind the requests."""

    async def run(self) -> None:
        """Work until cancelled."""


def insight_of(
    settings: Settings,
    shop: ShopContext,
    hub: RoomHub,
    redis: Redis,
    redis_url: str,
    worker: Worker,
) -> dict[str, Runs]:
    """Return, by name, what does the role insight for a server: its child, or what runs in it.

    A child needs the `redis_url`; without it all is in the server.
    """
    if "insight" not in settings.roles:
        return {}
    if redis_url and is_apart(settings):
        return {"insight": InsightChild(worker, environment(settings, redis_url))}
    return {
        "lake": lake_keeper(settings, shop, redis, worker),
        "wall": wall_keeper(settings, shop, hub, redis, worker),
    }


def lake_keeper(settings: Settings, shop: ShopContext, redis: Redis, worker: Worker) -> LakeKeeper:
    """Return what fills the lake of these settings; `run` it."""
    log = FactLog(shop)
    return LakeKeeper(
        open_lake(settings),
        (RecordSource(log), *(FactSpool(redis, name) for name in (PAGES, CHATS, LIVES))),
        RedisLeases(redis, kind="insight"),
        log,
        LakeErasures(shop),
        owner=worker.id,
    )


def wall_keeper(
    settings: Settings, shop: ShopContext, hub: RoomHub, redis: Redis, worker: Worker
) -> WallKeeper:
    """Return what keeps the walls of head offices; `run` it."""
    lake = open_lake(settings)

    async def curves(day: str) -> dict[str, DayCurve]:
        if not lake.may_have_tables():
            return {}
        try:
            _, rows = await asyncio.to_thread(lake.sql, CURVES_SQL.format(day=day))
        except BadQuery:
            return {}  # no writer has made them yet
        return day_curves(rows)

    leases = RedisLeases(redis, kind="insight")
    return WallKeeper(shop, hub, redis, leases, curves, owner=worker.id)


def cabinet_subscriber(
    settings: Settings, commerce: "Commerce", worker: Worker
) -> "CabinetSubscriber | None":
    """Return what reads cabinets' messages, at one worker of the node; None without a broker.

    Raises:
        OperatorError: The URL is none.
    """
    url = settings.cabinets_url.get_secret_value()
    if not url or worker.number:
        return None
    from server.bridge.cabinet_mqtt import CabinetSubscriber
    from server.bridge.cabinets import CabinetDesk

    try:
        return CabinetSubscriber(CabinetDesk(commerce.cabinets), url)
    except ValueError as error:
        raise OperatorError(f"LINLI_CABINETS_URL: {error}") from None


async def run_insight(settings: Settings) -> None:
    """Do what the role insight does, and nothing else, until SIGINT or SIGTERM.

    Raises:
        OperatorError: There is no Redis in common with the servers.
    """
    configure_logs(settings)
    if not settings.redis_url:
        raise OperatorError(
            "LINLI_REDIS_URL: insight alone needs the Redis of the servers; "
            "one with an embedded Valkey has a process for it."
        )
    worker = inherited()
    structlog.contextvars.bind_contextvars(worker="insight")
    yield_to_lives()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(beating(worker.beat_fd))
        # A server that starts this has the newest schema already.
        is_alone = worker.beat_fd is None
        engine = await stack.enter_async_context(open_record(settings, migrate=is_alone))
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        with opening("LINLI_REDIS_URL"):
            await redis.ping()
        cache = CatalogueCache(Record(engine))
        await cache.refresh()
        shop = ShopContext(Record(engine), cache, wall_clock, lambda: None)
        hub = await RoomHub.open(redis, CODECS, RULES)
        stack.push_async_callback(hub.close)
        runs = (
            lake_keeper(settings, shop, redis, worker).run(),
            wall_keeper(settings, shop, hub, redis, worker).run(),
            CatalogueNews(cache, redis, shop.record.reread()).run(),
            hub.wait(),
            watch_memory(),
        )
        report_ready(worker.beat_fd)
        log.info("insight runs")
        await _until_stopped(runs)


async def _until_stopped(runs: Sequence[Coroutine[None, None, None]]) -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            for each in runs:
                tasks.create_task(each)

    task = asyncio.create_task(work(), name="insight")
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    except* TooLarge as found:
        log.error("insight has too much memory, it ends", why=str(found.exceptions[0]))
