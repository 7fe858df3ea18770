"""The hop of a worker, and its row in Redis: where it is reached for a live's media, its secret.

    {linli}:hop:{worker}   string  host, port, key id, and the secret, sealed; gone with its worker

Sealed with the installation's secret: who reads Redis reads no media.
"""

import json
from urllib.parse import urlsplit

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.io.shop.sealing import Sealer
from media.cascade.tree import Capacity
from media.io.cascade.cascade import Cascade
from media.io.cascade.directory import ROW_TTL_S, DirectoryUnavailable, HopRow, Secret
from media.io.webrtc.plane import MediaPlane
from server.errors import OperatorError
from server.ops.secrets import token_secret
from server.settings import CascadePolicy, Settings
from server.worker import WORKER_DIGITS, Worker
from server.workers.owners import Holder, node_url

LOOPBACK = "127.0.0.1"
PORT_ABOVE_ICE = 100  # beyond the ports of WebRTC, of which there are WORKERS_MAX

log = structlog.get_logger()


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


async def open_cascade(
    settings: Settings, worker: Worker, media: MediaPlane, redis: Redis, holder: Holder
) -> Cascade | None:
    """Open this worker's hop; None: there is no other worker, or none is wanted.

    `holder` returns the lease of a room's live.

    Raises:
        OperatorError: The port that the settings name is taken.
    """
    alone = worker.count == 1 and not settings.redis_url
    if alone or settings.cascade is CascadePolicy.OFF:
        return None

    async def origin_of(room_id: str) -> str:
        lease = await holder(room_id)
        return lease.owner[:WORKER_DIGITS] if lease else ""

    def capacity() -> Capacity:
        accepts = media.accepts_viewers and not media.closed
        return Capacity(accepts, round(media.load.busy * 100), drains=media.draining)

    async def opened(port: int) -> Cascade:
        host = urlsplit(node_url(settings)).hostname or LOOPBACK
        directory = RedisDirectory(redis, worker, token_secret(settings))
        return await Cascade.open(
            worker.id, host, port, media.lives, directory, origin_of,
            fanout=settings.cascade_fanout, capacity=capacity,
        )  # fmt: skip

    base = settings.cascade_port or (settings.ice_port and settings.ice_port + PORT_ABOVE_ICE)
    port = base and base + worker.number
    try:
        cascade = await opened(port)
    except OSError as error:
        if settings.cascade_port:
            raise OperatorError(
                f"UDP port {port} for lives of other workers cannot be opened ({error.strerror}). "
                "Set LINLI_CASCADE_PORT to another one, or LINLI_CASCADE to off."
            ) from None
        cascade = await opened(0)  # others find it in Redis
        log.warning("another port for lives of other workers", taken=port, port=cascade.port)
    media.watch_elsewhere = cascade.edges.watch
    media.follow_elsewhere = cascade.edges.follow
    media.begin_public_elsewhere = cascade.edges.begin_public
    return cascade


def _key(worker: str) -> str:
    return f"{{linli}}:hop:{worker}"
