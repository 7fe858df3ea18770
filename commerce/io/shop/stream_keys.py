"""Stream keys: what an encoder shows in place of a login. One per room; only its hash is kept.

A key that ends goes into the outbox, which publishes it to all workers; each then checks the keys
of its encoders, and once a minute in case a message was lost.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.io.gate import keys as redis_keys
from commerce.io.record.audit_trail import OPERATOR
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema_recordings import stream_keys
from commerce.io.record.shutdown import stopping
from commerce.io.shop.context import ShopContext

KEY_BYTES = 20
RECHECK_S = 60.0
"""How long an encoder may go on with an ended key when no message comes through."""
WAIT_S = 3.0
RETRY_S = 3.0

log = structlog.get_logger()


class StreamKey(NamedTuple):
    """A new key, which cannot be shown a second time."""

    key: str
    made_at_ms: int


class StreamKeys:
    """Makes, checks and revokes the keys of rooms.

    `on_ended` is called when keys may have ended: then `ended` knows which.
    """

    def __init__(self, shop: ShopContext, redis: Redis) -> None:
        self.on_ended: Callable[[], Awaitable[None]] = _nothing
        self._shop = shop
        self._redis = redis

    async def renew(self, room_id: str, *, actor: str = OPERATOR) -> StreamKey:
        """Make a key for a room; the one before is no longer good.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        made = StreamKey(secrets.token_hex(KEY_BYTES), self._shop.clock())
        row = {"room_id": room_id, "key_hash": _hash(made.key), "made_at_ms": made.made_at_ms}
        async with self._shop.record.write() as connection:
            await self._delete(connection, room_id)
            await connection.execute(insert(stream_keys), row)
            await self._shop.audit(
                connection,
                actor,
                "stream-key.renew",
                room_id,
                None,
                None,
                made.made_at_ms,
                brand_id=self._shop.catalogue.brand_id("room", room_id),
            )
        self._shop.on_commit()
        return made

    async def revoke(self, room_id: str, *, actor: str = OPERATOR) -> None:
        """Leave a room without a key; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.write() as connection:
            await self._delete(connection, room_id)
            await self._shop.audit(
                connection,
                actor,
                "stream-key.revoke",
                room_id,
                None,
                None,
                self._shop.clock(),
                brand_id=self._shop.catalogue.brand_id("room", room_id),
            )
        self._shop.on_commit()

    async def made_at_ms(self, room_id: str) -> int | None:
        """When the key of a room was made; None: it has none."""
        async with self._shop.record.read() as connection:
            found: int | None = await connection.scalar(
                select(stream_keys.c.made_at_ms).where(stream_keys.c.room_id == room_id)
            )
        return found

    async def room_of(self, key: str) -> str | None:
        """The room that a key is for; None: it is not known."""
        async with self._shop.record.read() as connection:
            found: str | None = await connection.scalar(
                select(stream_keys.c.room_id).where(stream_keys.c.key_hash == _hash(key))
            )
        return found if found in self._shop.catalogue.rooms else None

    async def ended(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that are no room's, or no longer."""
        hashes = {_hash(key): key for key in keys}
        known = select(stream_keys.c.key_hash).where(stream_keys.c.key_hash.in_(hashes))
        async with self._shop.record.read() as connection:
            for key_hash in await connection.scalars(known):
                del hashes[key_hash]
        return set(hashes.values())

    async def publish(self, room_ids: Collection[str]) -> None:
        """Have all workers check the keys of their encoders now.

        Raises:
            RedisError: It is not known whether they will before `RECHECK_S`.
        """
        await self._redis.publish(redis_keys.STREAM_KEYS, " ".join(room_ids))

    async def run(self) -> None:
        """Call `on_ended` as messages come, until cancelled."""
        while not stopping():
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(redis_keys.STREAM_KEYS)
                    await self._check_on_message(pubsub)
            except (RedisError, DBAPIError, OSError) as error:
                log.warning("ended stream keys are not received", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _check_on_message(self, pubsub: PubSub) -> None:
        await self.on_ended()
        check_at_s = time.monotonic() + RECHECK_S
        while not stopping():
            # Short waits: a swallowed cancellation is noticed after them.
            message = await pubsub.get_message(timeout=WAIT_S)
            if message is not None or time.monotonic() >= check_at_s:
                check_at_s = time.monotonic() + RECHECK_S
                await self.on_ended()

    async def _delete(self, connection: AsyncConnection, room_id: str) -> None:
        gone = await connection.execute(delete(stream_keys).where(stream_keys.c.room_id == room_id))
        if gone.rowcount:
            await connection.run_sync(enqueue, Topic.STREAM_KEY, [room_id], self._shop.clock())


async def _nothing() -> None:
    """Nobody publishes by RTMP here."""


def _hash(key: str) -> str:
    """Keys are random and long: a plain hash of them cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()
