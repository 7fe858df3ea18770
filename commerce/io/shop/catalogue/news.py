"""Keeps a worker's copy of the catalogue fresh: read again once it changed, or in time."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.io.gate import keys
from commerce.io.record.changes import Reread
from commerce.io.record.shutdown import stopping
from commerce.io.shop.catalogue.cache import CatalogueCache

REFRESH_S = 5.0
"""How old a worker's copy of the catalogue may be when no message comes through."""

log = structlog.get_logger()


class CatalogueNews:
    """Has all workers read the catalogue again; `run` once per worker."""

    def __init__(self, cache: CatalogueCache, redis: Redis, reread: Reread) -> None:
        self._cache = cache
        self._reread = reread
        self._redis = redis
        self._goods_version = -1

    async def publish(self) -> None:
        """Have all workers read the catalogue now.

        Raises:
            RedisError: It is not known whether they will before `REFRESH_S`.
        """
        await self._redis.publish(keys.CATALOGUE, "")

    async def publish_goods(self, version: int) -> None:
        """Have all workers read products and rules of `version`, once.

        Raises:
            RedisError: It is not known whether they will before `REFRESH_S`.
        """
        if version != self._goods_version:
            await self.publish()
            self._goods_version = version

    async def run(self) -> None:
        """Keep the catalogue fresh until cancelled."""
        while not stopping():
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(keys.CATALOGUE)
                    while not stopping():
                        await self._try_refresh()
                        await pubsub.get_message(timeout=REFRESH_S)
            except (RedisError, OSError) as error:
                log.warning("changes are not received", error=type(error).__name__)
                await self._try_refresh()
                await asyncio.sleep(REFRESH_S)

    async def _try_refresh(self) -> None:
        try:
            async with self._reread.needed() as needed:
                if needed:
                    await self._cache.refresh_changed()
        except DBAPIError as error:
            log.warning("the catalogue was not refreshed", error=type(error).__name__)
