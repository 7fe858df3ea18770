"""Staff on both records: who may log in, and what ends their tokens."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.values import SeedPlan, SeedStaff, Staff
from commerce.errors import NotFound
from commerce.io.record.engine import Record, open_engine
from commerce.io.record.migrate import upgrade
from commerce.io.shop.seed import seed
from commerce.io.shop.staff import (
    StaffVersions,
    log_out_everywhere,
    read_staff,
    store_password,
)
from tests.support.commerce_shop import shop_plan

CLERK = SeedStaff(Staff("u1", "clerk", "Clerk", ("host", "store"), "demo", "s1"), "open sesame")
OTHER = SeedStaff(Staff("u2", "other", "Other", ("store",), "", "s2"), "open sesame")


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
        await engine.dispose()


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


async def test_worker_knows_which_tokens_hold(engine: AsyncEngine) -> None:
    versions, long_ago = StaffVersions(Record(engine)), time.time() - 60
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
