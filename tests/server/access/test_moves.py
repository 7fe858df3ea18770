"""A code moves one guest, once, however it is typed."""

import asyncio

from redis.asyncio import Redis

from server.access.moves import TTL_S, MoveCodes


async def test_a_code_names_its_guest_once(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis:
        moves = MoveCodes(redis)
        code, other = await moves.issue("g1"), await moves.issue("g2")
        found = await asyncio.gather(*(moves.redeem(f" {code.lower()}\r\n") for _ in range(5)))
        assert sorted(found, key=str) == [None] * 4 + ["g1"]
        assert await moves.redeem(other) == "g2"
        assert await moves.redeem("0000-0000-0") is None
        assert await moves.redeem("no code") is None


async def test_a_code_ends_by_itself_and_redis_does_not_have_it_in_clear(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis:
        code = await MoveCodes(redis).issue("g1")
        [key] = [key async for key in redis.scan_iter("move:*")]
        assert code.replace("-", "") not in key.decode()
        assert TTL_S - 5 <= await redis.ttl(key) <= TTL_S
