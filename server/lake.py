"""Composes what fills the lake: in a server with the role insight, or in a process of its own.

Cabinets that send by MQTT are listened to by servers only.
"""

import asyncio
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from commerce.io.commerce import Commerce
from commerce.io.record.engine import Record, wall_clock
from commerce.io.shop.catalogue import CatalogueCache
from commerce.io.shop.context import ShopContext
from commerce.io.shop.facts import FactLog
from insight.errors import BadQuery
from insight.facts import CHATS
from insight.tables import CURVE_SQL
from insight.wall import BUCKETS
from rooms.io.hub import RoomHub
from server.bridge.cabinets import CabinetDesk
from server.bridge.facts import FactSpool, RecordSource
from server.bridge.lake import LakeKeeper
from server.bridge.redis_lease import RedisLeases
from server.bridge.wall import WallKeeper
from server.errors import OperatorError
from server.ops.lake import open_lake
from server.ops.logs import configure_logs
from server.ops.opening import open_record
from server.settings import Settings
from server.worker import Worker

if TYPE_CHECKING:
    from server.bridge.cabinet_mqtt import CabinetSubscriber

REDIS_WAIT_S = 5.0


def lake_keeper(settings: Settings, log: FactLog, redis: Redis, worker: Worker) -> LakeKeeper:
    """Return what fills the lake of these settings; `run` it."""
    return LakeKeeper(
        open_lake(settings),
        (RecordSource(log), FactSpool(redis), FactSpool(redis, CHATS)),
        RedisLeases(redis, kind="insight"),
        log,
        owner=worker.id,
    )


def wall_keeper(
    settings: Settings, commerce: Commerce, hub: RoomHub, redis: Redis, worker: Worker
) -> WallKeeper:
    """Return what keeps the walls of head offices; `run` it."""
    lake = open_lake(settings)

    async def last_week(brand_id: str, day: str) -> list[int] | None:
        query = CURVE_SQL.format(day=day, brand=brand_id.replace("'", "''"))
        try:
            _, rows = await asyncio.to_thread(lake.sql, query)
        except BadQuery:
            return None  # there is no lake yet
        buckets = [0] * BUCKETS
        for bucket, gmv_fen in rows:
            buckets[min(bucket, BUCKETS - 1)] = gmv_fen
        return buckets if rows else None

    leases = RedisLeases(redis, kind="insight")
    return WallKeeper(commerce, hub, redis, leases, last_week, owner=worker.id)


def cabinet_subscriber(
    settings: Settings, commerce: Commerce, worker: Worker
) -> "CabinetSubscriber | None":
    """Return what reads cabinets' messages, at one worker of the node; None without a broker.

    Raises:
        OperatorError: The URL is none.
    """
    url = settings.cabinets_url.get_secret_value()
    if not url or worker.number:
        return None
    from server.bridge.cabinet_mqtt import CabinetSubscriber

    try:
        return CabinetSubscriber(CabinetDesk(commerce.cabinets), url)
    except ValueError as error:
        raise OperatorError(f"LINLI_CABINETS_URL: {error}") from None


async def write_lake(settings: Settings) -> None:
    """Fill the lake until cancelled.

    Raises:
        OperatorError: There is no Redis in common with the servers.
    """
    configure_logs(settings)
    if not settings.redis_url:
        raise OperatorError(
            "LINLI_REDIS_URL: a writer of its own needs the Redis of the servers; "
            "one with an embedded Valkey fills the lake itself."
        )
    async with open_record(settings) as engine:
        redis = Redis.from_url(settings.redis_url, socket_timeout=REDIS_WAIT_S)
        cache = CatalogueCache(Record(engine))
        await cache.refresh()
        log = FactLog(ShopContext(Record(engine), cache, wall_clock, lambda: None))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(lake_keeper(settings, log, redis, Worker()).run())
        finally:
            await redis.aclose()
