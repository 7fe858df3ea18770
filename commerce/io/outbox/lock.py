"""Which worker relays: a Redis key with a short life, renewed by its owner."""

import secrets

from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.io.gate import keys

LOCK_MS = 3_000

# KEYS 1 lock; ARGV 1 token 2 ms. Gives 1 if the lock is ours.
_TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"


class OutboxLock:
    """At most one worker has it; if two do for a moment, messages are delivered twice."""

    def __init__(self, redis: Redis) -> None:
        self._token = secrets.token_hex(8)
        self._take = redis.register_script(_TAKE)
        self._give = redis.register_script(_RELEASE)

    async def acquire(self) -> bool:
        """Take or renew the lock; False if another worker has it."""
        return bool(await self._take(keys=[keys.RELAY], args=[self._token, LOCK_MS]))

    async def release(self) -> None:
        """Let another worker have it."""
        try:
            await self._give(keys=[keys.RELAY], args=[self._token])
        except (RedisError, OSError):
            pass  # it expires by itself
