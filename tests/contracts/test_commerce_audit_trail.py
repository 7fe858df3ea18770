"""The audit trail on both records: a chain per brand that the database keeps."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.io.audit import AUDIT_TRAIL, audit
from commerce.io.record.audit_trail import VALUE_BYTES_MAX, record_audit
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import upgrade
from commerce.io.record.schema_staff import audit_entries
from commerce.io.shop.audit_trail import AuditFilter
from commerce.io.shop.seed import seed
from commerce.io.shop.staff import log_out_everywhere, store_password
from tests.support.commerce_shop import running_shop, shop_plan


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        await seed(engine, shop_plan())
        yield engine
    finally:
        await close_engine(engine)


async def append(engine: AsyncEngine, brand: str = "b", **after: object) -> int:
    """Write one entry."""
    async with Record(engine).write() as connection:
        return await connection.run_sync(
            record_audit, brand, "u1", "price.change", "tea", {"price_fen": 990}, after, 1
        )


async def entries(engine: AsyncEngine) -> list[dict[str, Any]]:
    """All entries of the brand but those of its shop file, in order."""
    query = (
        select(audit_entries)
        .where(audit_entries.c.brand_id == "b", audit_entries.c.action != "staff.load")
        .order_by("n")
    )
    async with Record(engine).read() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


async def test_entries_written_at_once_are_numbered_without_gaps(engine: AsyncEngine) -> None:
    numbers = await asyncio.gather(*(append(engine, price_fen=at) for at in range(8)))
    await append(engine, brand="another")
    assert sorted(numbers) == list(range(2, 10))  # after the clerk
    assert await audit(engine) == []


@pytest.mark.parametrize(
    "change", [update(audit_entries).values(actor="u2"), delete(audit_entries)]
)
async def test_the_database_refuses_to_change_entries(engine: AsyncEngine, change: Any) -> None:
    await append(engine, price_fen=1)
    before = await entries(engine)
    with pytest.raises(DBAPIError):
        async with Record(engine).write() as connection:
            await connection.execute(change)
    assert await entries(engine) == before


@pytest.mark.parametrize("fault", [update(audit_entries).values(actor="u2"), delete(audit_entries)])
async def test_a_trail_that_was_tampered_with_is_found(engine: AsyncEngine, fault: Any) -> None:
    # Without its brand, a trail is not protected.
    for price_fen in (1, 2, 3):
        await append(engine, brand="gone", price_fen=price_fen)
    assert await audit(engine) == []
    async with Record(engine).write() as connection:
        await connection.execute(fault.where(audit_entries.c.n == 2))
    [finding] = await audit(engine)
    assert finding.invariant == AUDIT_TRAIL
    assert finding.what == f"gone, entry {3 if fault.is_delete else 2}"


async def test_an_entry_is_undone_with_its_change(engine: AsyncEngine) -> None:
    with pytest.raises(RuntimeError):
        async with Record(engine).write() as connection:
            await connection.run_sync(record_audit, "b", "u1", "pin", "tea", None, None, 1)
            raise RuntimeError
    assert await entries(engine) == []


async def test_large_values_are_kept_as_a_hash(engine: AsyncEngine) -> None:
    await append(engine, text="x" * VALUE_BYTES_MAX)
    [entry] = await entries(engine)
    assert entry["after"].startswith('{"bytes": ')
    assert len(entry["after"]) < 200


async def test_new_passwords_and_revocations_are_in_the_trail(engine: AsyncEngine) -> None:
    await store_password(engine, "clerk", "a long new password")
    await log_out_everywhere(engine, "clerk")
    found = [(row["actor"], row["action"], row["subject"]) for row in await entries(engine)]
    assert found == [("operator", "staff.password", "u1"), ("operator", "staff.log-out", "u1")]


async def test_rights_that_a_shop_file_gives_and_takes_are_in_the_trail(
    engine: AsyncEngine,
) -> None:
    await seed(engine, shop_plan())
    await seed(engine, replace(shop_plan(), staff=()))
    query = select(audit_entries).where(audit_entries.c.action == "staff.load").order_by("n")
    async with Record(engine).read() as connection:
        came, left = (await connection.execute(query)).all()
    assert (came.subject, came.before) == ("u1", None)
    assert left.before == came.after
    assert json.loads(left.after) == {**json.loads(left.before), "active": False}


async def test_pins_and_stream_keys_are_in_the_trail(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "tea", 90, actor="u1")
        await shop.commerce.groups.unpin("demo", "tea", actor="u1")
        await shop.commerce.groups.unpin("demo", "tea", actor="u1")
        await shop.commerce.stream_keys.renew("demo", actor="u1")
        await shop.commerce.stream_keys.revoke("demo", actor="u1")
        found = (await shop.commerce.audit_trail.page("b", AuditFilter(actor="u1"))).entries
    actions = ["pin.put", "pin.delete", "stream-key.renew", "stream-key.revoke"]
    assert [entry.action for entry in reversed(found)] == actions
