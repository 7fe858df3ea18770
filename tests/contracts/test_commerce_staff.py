"""Staff on both records: who may log in, and what ends their tokens."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.values import SeedPlan, SeedStaff, Staff
from commerce.errors import NotFound
from commerce.io.gate import keys
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import upgrade
from commerce.io.shop import staff as staff_module
from commerce.io.shop.seed import seed
from commerce.io.shop.staff import (
    StaffVersions,
    log_out_everywhere,
    read_staff,
    store_password,
)
from tests.support.commerce_shop import running_shop, shop_plan
from tests.support.waiting import wait_until

CLERK = SeedStaff(Staff("u1", "clerk", "Clerk", ("host", "store"), "demo", "s1"), "open sesame")
OTHER = SeedStaff(Staff("u2", "other", "Other", ("store",), "", "s2"), "open sesame")
HOUR_S = 3_600.0


def plan(*staff: SeedStaff) -> SeedPlan:
    """The small shop with these people."""
    return replace(shop_plan(), staff=staff)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        await seed(engine, plan(CLERK, OTHER))
        yield engine
    finally:
        await close_engine(engine)


async def clerk(engine: AsyncEngine) -> dict[str, Any]:
    """The clerk's row."""
    return (await read_staff(engine))["u1"]


async def test_loading_the_same_shop_again_ends_no_token(engine: AsyncEngine) -> None:
    before = await read_staff(engine)
    await seed(engine, plan(CLERK, OTHER))
    assert await read_staff(engine) == before


async def test_staff_removed_from_the_shop_file_lose_access_and_may_return(
    engine: AsyncEngine,
) -> None:
    await seed(engine, plan(OTHER))
    gone = await clerk(engine)
    assert (gone["active"], gone["token_version"]) == (False, 1)
    for change in (log_out_everywhere(engine, "clerk"), store_password(engine, "clerk", "x")):
        with pytest.raises(NotFound):
            await change
    await seed(engine, plan(CLERK, OTHER))
    back = await clerk(engine)
    assert (back["active"], back["token_version"]) == (True, 2)


async def test_another_brand_leaves_this_staff_alone(engine: AsyncEngine) -> None:
    other = plan()
    await seed(engine, replace(other, brand=replace(other.brand, id="b2")))
    assert (await clerk(engine))["active"]


async def test_password_of_one_person_survives_a_load_and_one_of_all_does_not(
    engine: AsyncEngine,
) -> None:
    await store_password(engine, "clerk", "my own password")
    own = await clerk(engine)
    assert own["token_version"] == 1
    new = "another password"
    await seed(engine, plan(replace(CLERK, password=new), replace(OTHER, password=new)))
    assert (await clerk(engine))["password_hash"] == own["password_hash"]
    assert (await read_staff(engine))["u2"]["token_version"] == 1


async def test_other_roles_end_the_tokens(engine: AsyncEngine) -> None:
    less = replace(CLERK, staff=replace(CLERK.staff, roles=("store",)))
    await seed(engine, plan(less, OTHER))
    assert (await clerk(engine))["token_version"] == 1


async def test_worker_knows_which_tokens_hold(engine: AsyncEngine, valkey_url: str) -> None:
    long_ago = time.time() - 60
    async with Redis.from_url(valkey_url) as redis:
        versions = StaffVersions(Record(engine), redis)
        await versions.refresh()
        assert versions.is_current("u1", 0, long_ago)
        await log_out_everywhere(engine, "clerk")
        await versions.refresh()
        assert not versions.is_current("u1", 0, long_ago)
        assert versions.is_current("u1", 1, long_ago)
        assert versions.is_current("u2", 0, long_ago)
        # Issued by another worker, to somebody of whom this one reads in a moment.
        assert versions.is_current("u3", 0, time.time())
        assert not versions.is_current("u3", 0, long_ago)


@pytest.mark.parametrize("what", ["password", "logout", "leaves"])
async def test_revocation_reaches_other_workers_without_their_looking(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(staff_module, "REFRESH_S", HOUR_S)
    async with running_shop(database_url, redis_url, plan=plan(CLERK, OTHER)) as shop:
        other = StaffVersions(Record(shop.engine), shop.redis)
        raised: list[frozenset[str]] = []
        other.on_raised = raised.append
        task = asyncio.create_task(other.run())
        try:
            await wait_until(lambda: "u1" in other._versions)
            await wait_until(partial(subscribers, shop.redis, 2))
            match what:
                case "password":
                    await store_password(shop.engine, "clerk", "my own password")
                case "logout":
                    await log_out_everywhere(shop.engine, "clerk")
                case "leaves":
                    await seed(shop.engine, plan(OTHER))
            await wait_until(lambda: raised)
            assert raised == [frozenset({"u1"})]
            assert not other.is_current("u1", 0, time.time())
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_revocation_is_found_while_redis_is_away(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_module, "REFRESH_S", 0.01)
    async with Redis.from_url(f"unix://{tmp_path}/nobody.sock") as redis:
        versions = StaffVersions(Record(engine), redis)
        raised: list[frozenset[str]] = []
        versions.on_raised = raised.append
        task = asyncio.create_task(versions.run())
        try:
            await wait_until(lambda: "u1" in versions._versions)
            await log_out_everywhere(engine, "clerk")
            await wait_until(lambda: raised == [frozenset({"u1"})])
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def subscribers(redis: Redis, wanted: int) -> bool:
    """Whether so many workers are subscribed to revocations."""
    return [count for _, count in await redis.pubsub_numsub(keys.STAFF)] == [wanted]
