"""The client of the Redis or Valkey that `LINLI_REDIS_URL` names: one server, or a cluster.

    redis://:password@redis.example.net:6379/0             one server, also rediss:// and unix://
    redis://:password@a:6379,b:6379,c:6379/?cluster=true   nodes of a cluster that are asked first

What both offer alike is all that the program uses: calls of one slot, pipelines, topics of all.
"""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

NODE_CONNECTIONS_MAX = 1_000
"""To one node of a cluster. Its clients do not wait for a free one, so no burst may need more."""
PORT = 6379


def is_cluster(url: str) -> bool:
    """Whether a URL names nodes of a cluster."""
    return parse_qs(urlsplit(url).query).get("cluster") == ["true"]


def open_redis(url: str, *, connections_max: int = 64, wait_s: float = 20.0) -> Redis:
    """Return a client; nothing is connected yet.

    `connections_max` and `wait_s`, for one of them to be free, are those of a single server.

    Raises:
        ValueError: The URL cannot be read.
    """
    if not is_cluster(url):
        pool = BlockingConnectionPool.from_url(url, max_connections=connections_max, timeout=wait_s)
        return Redis.from_pool(pool)
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("a cluster is reached by redis:// or rediss://")
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    cluster = Cluster(
        startup_nodes=[_node(parts, host) for host in hosts.split(",")],
        username=unquote(user) or None,
        password=unquote(password) or None,
        ssl=parts.scheme == "rediss",
        max_connections=NODE_CONNECTIONS_MAX,
    )
    # It has the commands of `Redis`, but is none.
    return cast(Redis, cluster)


class Cluster(RedisCluster):
    """A cluster that cannot be reached raises a `RedisError`, as a single server does.

    redis-py raises others where it knows no node with a slot, or where one call, after it failed,
    closes the connections that other calls are about to write to.
    """

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        with _as_redis_error():
            return await super().initialize(*args, **kwargs)

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        with _as_redis_error():
            return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # not for Python


class _Pipeline(ClusterPipeline):
    async def execute(self, *args: Any, **kwargs: Any) -> list[Any]:
        with _as_redis_error():
            return await super().execute(*args, **kwargs)

    async def watch(self, *names: Any) -> Any:  # type: ignore[override]  # theirs has no type
        with _as_redis_error():
            return await super().watch(*names)  # type: ignore[no-untyped-call]  # see above

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().execute_command(*args, **kwargs)
        return answer if answer is self else _awaited(answer)  # at once, after `watch`


async def _awaited(answer: Awaitable[Any]) -> Any:
    with _as_redis_error():
        return await answer


@contextmanager
def _as_redis_error() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error
    except AttributeError as error:
        if error.obj is not None:
            raise
        raise RedisConnectionError("another call closed this connection") from error


def _node(parts: SplitResult, host: str) -> ClusterNode:
    one = urlsplit(f"{parts.scheme}://{host}")
    if not one.hostname:
        raise ValueError("a node of the cluster has no host")
    return ClusterNode(one.hostname, one.port or PORT)
