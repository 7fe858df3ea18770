"""How long neighbours have watched a room, as their pages report it every 30 s.

A page that is silent for `SILENT_MS` has left. Of a neighbour there is one key in Redis,
`stay:{room}:{guest}`, whose value is since when; it ends by itself.
"""

from redis.asyncio import Redis

from commerce.io.record.engine import Clock

SILENT_MS = 90_000
SEEN_EVERY_S = 30  # how often a page says that it is here


class Stays:
    """Counts how long neighbours stay."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def seen(self, room_id: str, guest_id: str) -> int:
        """A page is here; return for how many seconds it has been."""
        key, at_ms = f"stay:{room_id}:{guest_id}", self._clock()
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(key, at_ms, nx=True, px=SILENT_MS)
            pipeline.pexpire(key, SILENT_MS)
            pipeline.get(key)
            *_, since = await pipeline.execute()
        return max(0, at_ms - int(since)) // 1_000

    async def stayed_s(self, room_id: str, guest_id: str) -> int:
        """For how many seconds a neighbour has been here; 0 for one whose page is silent."""
        since = await self._redis.get(f"stay:{room_id}:{guest_id}")
        return max(0, self._clock() - int(since)) // 1_000 if since else 0
