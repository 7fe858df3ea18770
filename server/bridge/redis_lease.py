"""Leases in Redis or Valkey: on lives, and, as another kind, on other work of one worker.

    live:{room}:owner   string  "fence owner" of the lease that runs; expires with it
    live:{room}:fence   string  the last fence, for days

Both keys of a room share a cluster slot.
"""

from collections.abc import Awaitable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.bridge.lease import LEASE_TTL_S, Lease, LeasesUnavailable

FENCE_TTL_S = 7 * 86_400

# KEYS owner, fence. ARGV owner, least fence before, ttl ms, ttl of the fence ms, 1 to take it from
# another owner.
# Returns the fence, or 0 if another owner has the lease.
_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and ARGV[5] ~= '1' and string.match(held, '%d+ (.*)') ~= ARGV[1] then return 0 end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%d', math.max(last, tonumber(ARGV[2])) + 1)
redis.call('SET', KEYS[2], fence, 'PX', ARGV[4])
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[1], 'PX', ARGV[3])
return tonumber(fence)
"""

# KEYS owner. ARGV the lease as it is stored, ttl ms.
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS owner. ARGV the lease as it is stored.
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

T = TypeVar("T")


class RedisLeases:
    """See `LiveLeases`."""

    def __init__(self, redis: Redis, ttl_s: float = LEASE_TTL_S, *, kind: str = "live") -> None:
        """`kind` begins the keys; for other work than lives, `room_id` names the work."""
        self.ttl_s = ttl_s
        self._redis = redis
        self._kind = kind
        self._take = redis.register_script(_TAKE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)

    async def take(self, room_id: str, owner: str, *, above: int) -> Lease:
        """See `LiveLeases.take`."""
        return Lease(room_id, owner, await self._taken(room_id, owner, above, from_owner=True))

    async def claim(self, room_id: str, owner: str, *, above: int) -> Lease | None:
        """See `LiveLeases.claim`."""
        fence = await self._taken(room_id, owner, above, from_owner=False)
        return Lease(room_id, owner, fence) if fence else None

    async def renew(self, lease: Lease) -> bool:
        """See `LiveLeases.renew`."""
        args: list[str | int] = [_stored(lease), self._ttl_ms]
        return bool(await _reached(self._renew(keys=[self._owner_key(lease.room_id)], args=args)))

    async def release(self, lease: Lease) -> None:
        """See `LiveLeases.release`."""
        await _reached(self._release(keys=[self._owner_key(lease.room_id)], args=[_stored(lease)]))

    async def holder(self, room_id: str) -> Lease | None:
        """See `LiveLeases.holder`."""
        stored = await _reached(self._redis.get(self._owner_key(room_id)))
        if stored is None:
            return None
        fence, _, owner = (stored if isinstance(stored, str) else stored.decode()).partition(" ")
        return Lease(room_id, owner, int(fence))

    async def _taken(self, room_id: str, owner: str, above: int, *, from_owner: bool) -> int:
        keys = [self._owner_key(room_id), f"{self._kind}:{{{room_id}}}:fence"]
        args: list[str | int] = [owner, above, self._ttl_ms, FENCE_TTL_S * 1000, int(from_owner)]
        return int(await _reached(self._take(keys=keys, args=args)))

    @property
    def _ttl_ms(self) -> int:
        return round(self.ttl_s * 1000)

    def _owner_key(self, room_id: str) -> str:
        return f"{self._kind}:{{{room_id}}}:owner"


def _stored(lease: Lease) -> str:
    return f"{lease.fence} {lease.owner}"


async def _reached(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except (RedisError, OSError) as error:
        raise LeasesUnavailable(str(error)) from error
