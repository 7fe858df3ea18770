"""Rate limits: a bucket empties, says how long to wait, and leaves no key for ever."""

import pytest
import structlog
from redis.asyncio import Redis
from starlette.requests import Request

from server.limits import RATES, LimitKind, Limits, Rate
from server.net.addresses import Proxies
from server.problem import Problem


async def test_an_empty_bucket_answers_429_with_the_time_to_wait(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        limits = Limits(redis)
        for _ in range(RATES[LimitKind.LOGIN].burst):
            await limits.take(LimitKind.LOGIN, "1.2.3.4")
        with pytest.raises(Problem) as caught:
            await limits.take(LimitKind.LOGIN, "1.2.3.4")
        assert caught.value.status == 429
        assert 1 <= int(caught.value.headers["Retry-After"]) <= 15
        await limits.take(LimitKind.LOGIN, "5.6.7.8")
        for key in await redis.keys("*"):
            assert await redis.pttl(key) > 0


async def test_limits_can_be_off_for_load_tests(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        limits = Limits(redis, enabled=False)
        for _ in range(2 * RATES[LimitKind.LOGIN].burst):
            await limits.take(LimitKind.LOGIN, "1.2.3.4")


@pytest.mark.parametrize(
    ("proxies", "address"),
    [("1.2.3.4", "6.6.6.6"), ("10.0.0.0/8", "1.2.3.4"), ("", "1.2.3.4")],
    ids=["our proxy", "not ours", "direct"],
)
async def test_a_forwarded_address_counts_only_behind_our_own_proxy(
    redis_url: str, proxies: str, address: str
) -> None:
    headers = [(b"x-forwarded-for", b"5.5.5.5"), (b"x-forwarded-for", b"6.6.6.6")]
    request = Request({"type": "http", "headers": headers, "client": ("1.2.3.4", 5)})
    async with Redis.from_url(redis_url) as redis:
        limits = Limits(redis, proxies=Proxies.parse([proxies]))
        assert limits.address(request) == address


async def test_a_proxy_that_nobody_named_is_logged_once(redis_url: str) -> None:
    headers = [(b"x-forwarded-for", b"6.6.6.6")]
    request = Request({"type": "http", "headers": headers, "client": ("10.0.0.2", 5)})
    async with Redis.from_url(redis_url) as redis:
        limits = Limits(redis)
        with structlog.testing.capture_logs() as logs:
            limits.address(request)
            limits.address(request)
    assert [line["proxy"] for line in logs] == ["10.0.0.2"]


async def test_many_people_at_one_address_are_logged_once(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, LimitKind.JOIN, Rate(burst=1, per_s=0.001))
    async with Redis.from_url(redis_url) as redis:
        limits = Limits(redis)
        await limits.take(LimitKind.JOIN, "guest:2001:db8::/64")
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                with pytest.raises(Problem):
                    await limits.take(LimitKind.JOIN, "guest:2001:db8::/64")
    assert [line["address"] for line in logs] == ["2001:db8::/64"]
    assert "LINLI_TRUST_PROXY" in logs[0]["event"]
