"""Codes that move a guest to another device: valid for ten minutes, used once."""

import hashlib
import secrets

from redis.asyncio import Redis

from commerce.orders.pickup import CODE_BITS, code_of, read, shown

TTL_S = 600


class MoveCodes:
    """Issues and redeems codes, kept in Redis as hashes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, guest_id: str) -> str:
        """Return a new code for a guest, as people read it."""
        code = code_of(secrets.randbits(CODE_BITS))
        await self._redis.set(_key(code), guest_id, ex=TTL_S)
        return shown(code)

    async def redeem(self, typed: str) -> str | None:
        """Return the id of the guest whose code was typed, once; None for any other text."""
        code = read(typed)
        if code is None:
            return None
        guest_id = await self._redis.getdel(_key(code))
        return guest_id.decode() if isinstance(guest_id, bytes) else guest_id


def _key(code: str) -> str:
    return f"move:{hashlib.sha256(code.encode()).hexdigest()}"
