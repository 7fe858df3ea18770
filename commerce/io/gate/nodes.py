"""Which run of which Redis has a key: of the only one, or of a node of a cluster."""

from collections.abc import Sequence

from redis.asyncio import Redis


async def read_run_ids(redis: Redis, keys: Sequence[str]) -> list[str]:
    """The id of the run of Redis that has each key; another one may have lost what it had."""
    info = await redis.info("server")
    return [info.get("run_id", "")] * len(keys)
