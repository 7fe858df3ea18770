"""Rows of the hop in Redis: where each worker is reached for a live's media, and its secret.

    {linli}:hop:{worker}   string  host, port, key id, and the secret, sealed; gone with its worker

Sealed with the installation's secret: who reads Redis reads no media.
"""

import json
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.io.shop.sealing import Sealer
from media.io.cascade.directory import ROW_TTL_S, DirectoryUnavailable, HopRow, Secret
from server.worker import Worker

LOOPBACK = "127.0.0.1"


class RedisDirectory:
    """See `HopDirectory`."""

    def __init__(self, redis: Redis, worker: Worker, secret: str) -> None:
        """`secret` is the installation's."""
        self._redis = redis
        self._worker = worker
        self._sealer = Sealer(secret, "hop")

    async def write(self, row: HopRow) -> None:
        """See `HopDirectory.write`."""
        sealed = self._sealer.seal(row.secret.value.hex(), row.worker)
        text = json.dumps([row.host, row.port, row.secret.key_id, sealed])
        try:
            await self._redis.set(_key(row.worker), text, px=round(ROW_TTL_S * 1_000))
        except (RedisError, OSError) as error:
            raise DirectoryUnavailable(str(error)) from error

    async def find(self, worker: str) -> HopRow | None:
        """See `HopDirectory.find`; a worker of this node is reached by loopback."""
        try:
            text = await self._redis.get(_key(worker))
        except (RedisError, OSError) as error:
            raise DirectoryUnavailable(str(error)) from error
        if text is None:
            return None
        host, port, key_id, sealed = json.loads(text)
        value = self._sealer.open(sealed, worker)
        if value is None:
            return None  # of an installation with another secret
        host = host if self._worker.sibling(worker) is None else LOOPBACK
        return HopRow(worker, host, port, Secret(key_id, bytes.fromhex(value)))

    async def remove(self, worker: str) -> None:
        """See `HopDirectory.remove`."""
        try:
            await self._redis.delete(_key(worker))
        except (RedisError, OSError) as error:
            raise DirectoryUnavailable(str(error)) from error


def hop_host(node_url: str) -> str:
    """Return where other nodes reach this one's hop, by where they reach its HTTP."""
    return urlsplit(node_url).hostname or LOOPBACK


def _key(worker: str) -> str:
    return f"{{linli}}:hop:{worker}"
