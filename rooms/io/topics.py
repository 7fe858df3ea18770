"""Where rooms' topics are subscribed to: at the only server, or at the nodes of a cluster.

In a cluster topics are sharded (SSUBSCRIBE, Redis 7.0): the node that has a channel's keys delivers
its messages, and the others do not carry them.
"""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

ONLY = ""
"""The name of the only server."""
# RESP2: everything that arrives on a subscribed connection is a message to us. No retries inside
# the client: a broken connection must be seen, since messages were missed.
_SETTINGS: dict[str, Any] = {
    "protocol": 2,
    "retry": Retry(NoBackoff(), 0),
    "retry_on_error": [],
    "decode_responses": False,
    "health_check_interval": 0,
}


def publishing(redis: Redis | RedisCluster, script: str) -> str:
    """Return a script that publishes as `Topics` of this client subscribe."""
    if not isinstance(redis, RedisCluster):
        return script
    return script.replace("redis.call('PUBLISH'", "redis.call('SPUBLISH'")


class Topics:
    """Connections to all nodes, and which node has a topic."""

    def __init__(self, redis: Redis | RedisCluster) -> None:
        self._redis = redis
        self.subscribe, self.unsubscribe = "SUBSCRIBE", "UNSUBSCRIBE"
        if isinstance(redis, RedisCluster):
            self.subscribe, self.unsubscribe = "SSUBSCRIBE", "SUNSUBSCRIBE"

    async def connections(self) -> dict[str, Any]:
        """Connections by node as the cluster is now, not yet connected."""
        if not isinstance(self._redis, RedisCluster):
            pool = self._redis.connection_pool
            return {ONLY: pool.connection_class(**{**pool.connection_kwargs, **_SETTINGS})}
        await self._redis.initialize()
        await self._redis.nodes_manager.initialize()
        return {
            node.name: node.connection_class(**{**node.connection_kwargs, **_SETTINGS})
            for node in self._redis.get_primaries()
        }

    def node_of(self, topic: str) -> str:
        """The node that has a topic."""
        if not isinstance(self._redis, RedisCluster):
            return ONLY
        node = self._redis.get_node_from_key(topic)
        return node.name if node is not None else ONLY
