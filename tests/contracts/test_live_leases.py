"""What every `LiveLeases` does: memory, Valkey and Redis 7.0."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from server.bridge.lease import LeasesUnavailable, LiveLeases, MemoryLeases
from server.bridge.redis_lease import RedisLeases
from server.redis_client import open_redis
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

ROOM = "demo"
SHORT_TTL_S = 0.05
LONG_TTL_S = 60.0

Open = Callable[[float], LiveLeases]


@pytest.fixture(params=["memory", "valkey", "redis7"])
async def open_leases(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Opens leases of a TTL; all that a test opens keep the same leases."""
    if request.param == "memory":
        first = MemoryLeases(time.monotonic)

        def memory(ttl_s: float) -> LiveLeases:
            first.ttl_s = ttl_s
            return first

        yield memory
        return
    redis = open_redis(request.getfixturevalue(f"{request.param}_url"))
    try:
        yield lambda ttl_s: RedisLeases(redis, ttl_s)
    finally:
        await redis.aclose()


@pytest.fixture
def leases(open_leases: Open) -> LiveLeases:
    return open_leases(LONG_TTL_S)


async def expired(leases: LiveLeases) -> None:
    async def free() -> bool:
        return await leases.holder(ROOM) is None

    await wait_until(free, what="the end of the lease")


async def test_a_free_lease_is_claimed_by_one_of_many_owners(leases: LiveLeases) -> None:
    claims = [leases.claim(ROOM, f"owner{number}", above=0) for number in range(8)]
    won = [lease for lease in await asyncio.gather(*claims) if lease]
    assert len(won) == 1
    assert await leases.holder(ROOM) == won[0]


async def test_an_owner_that_claims_again_keeps_the_lease_with_a_new_fence(
    leases: LiveLeases,
) -> None:
    first = await leases.claim(ROOM, "a", above=0)
    again = await leases.claim(ROOM, "a", above=0)
    assert first and again
    assert again.fence > first.fence
    assert not await leases.renew(first)
    assert await leases.renew(again)


async def test_a_taken_lease_has_a_larger_fence_and_ends_the_one_before(
    leases: LiveLeases,
) -> None:
    first = await leases.take(ROOM, "a", above=0)
    second = await leases.take(ROOM, "b", above=0)
    assert second.fence > first.fence
    assert await leases.holder(ROOM) == second
    assert not await leases.renew(first)
    await leases.release(first)
    assert await leases.renew(second), "the release of a lost lease changes nothing"


async def test_a_fence_is_larger_than_the_one_that_the_record_has_seen(
    leases: LiveLeases,
) -> None:
    lease = await leases.take(ROOM, "a", above=41)
    assert lease.fence == 42
    other = await leases.take(ROOM, "b", above=7)
    assert other.fence == 43


async def test_an_expired_lease_is_free_and_cannot_be_renewed(open_leases: Open) -> None:
    leases = open_leases(SHORT_TTL_S)
    first = await leases.take(ROOM, "a", above=0)
    await expired(leases)
    assert not await leases.renew(first)
    second = await leases.claim(ROOM, "b", above=0)
    assert second
    assert second.fence > first.fence


async def test_a_renewed_lease_runs_for_another_ttl(open_leases: Open) -> None:
    lease = await open_leases(SHORT_TTL_S).take(ROOM, "a", above=0)
    long = open_leases(LONG_TTL_S)
    if not await long.renew(lease):  # a busy machine took longer than the short TTL
        lease = await long.take(ROOM, "a", above=0)
    assert await long.renew(lease)
    assert await long.claim(ROOM, "b", above=0) is None


async def test_a_released_lease_is_free(leases: LiveLeases) -> None:
    lease = await leases.take(ROOM, "a", above=0)
    await leases.release(lease)
    assert await leases.holder(ROOM) is None
    assert await leases.claim(ROOM, "b", above=0)


async def test_leases_of_two_rooms_are_independent(leases: LiveLeases) -> None:
    demo = await leases.take(ROOM, "a", above=0)
    other = await leases.claim("other", "b", above=0)
    assert other
    assert await leases.renew(demo)
    assert await leases.renew(other)


async def test_all_keys_in_redis_expire(valkey_url: str) -> None:
    async with open_redis(valkey_url) as redis:
        await RedisLeases(redis).take(ROOM, "a", above=0)
        for key in await redis.keys("*"):
            assert await redis.pttl(key) > 0, key


async def test_a_redis_that_is_away_raises_leases_unavailable(tmp_path: Path) -> None:
    redis = Valkey(tmp_path).client()
    try:
        with pytest.raises(LeasesUnavailable):
            await RedisLeases(redis).take(ROOM, "a", above=0)
    finally:
        await redis.aclose()
