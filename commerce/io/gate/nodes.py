"""Which run of which Redis has a key: of the only server, or of a node of a cluster."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

# Asked every second: reading all of the text in Python costs more than the rest of the look.
_RUN_ID = "return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')"


async def read_run_ids(redis: Redis | RedisCluster, keys: Sequence[str]) -> list[str]:
    """The id of the run of Redis that has each key; another one may have lost what it had."""
    if not isinstance(redis, RedisCluster):
        found_id: bytes | str | None = await redis.eval(_RUN_ID, 0)
        run_id = found_id.decode() if isinstance(found_id, bytes) else found_id or ""
        return [run_id] * len(keys)
    await redis.initialize()
    nodes = [redis.get_node_from_key(key) for key in keys]
    found: dict[str, str] = {}
    for node in nodes:
        if node is not None and node.name not in found:
            about: dict[str, Any] = await redis.execute_command("INFO", "server", target_nodes=node)
            found[node.name] = about.get("run_id", "")
    return [found[node.name] if node is not None else "" for node in nodes]
