"""What falls due by itself is looked for while the record changes, and not read otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, text

from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.shop.chores import AHEAD_MS, Chores

_MAKE = text("CREATE TABLE chores_test (due_at_ms BIGINT)")
_ADD = text("INSERT INTO chores_test VALUES (:due)")
_DUE = text("SELECT count(*) FROM chores_test WHERE due_at_ms <= :at")
_DONE = text("DELETE FROM chores_test WHERE due_at_ms <= :at")


class Rows:
    """A chore: rows are deleted once they are due."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.now_ms = 0
        self.looks = self.steps = 0

    def clock(self) -> int:
        return self.now_ms

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        self.looks += 1
        return bool(connection.scalar(_DUE, {"at": at_ms}))

    async def step(self) -> None:
        self.steps += 1
        async with self.record.write() as connection:
            await connection.execute(_DONE, {"at": self.now_ms})


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Rows, Chores, Record]]:
    """A chore of one worker, and the record as another worker has it."""
    mine, other = open_engine(url), open_engine(url)
    try:
        record = Record(mine)
        async with record.write() as connection:
            await connection.execute(_MAKE)
        rows = Rows(record)
        yield rows, Chores(record, rows.clock, (1, rows)), Record(other)
    finally:
        await close_engine(mine)
        await close_engine(other)


async def add(record: Record, due_at_ms: int) -> None:
    async with record.write() as connection:
        await connection.execute(_ADD, {"due": due_at_ms})


async def left(record: Record) -> int:
    async with record.read() as connection:
        return await connection.scalar(_DUE, {"at": 1 << 40}) or 0


async def test_what_another_worker_commits_is_done_when_it_is_due(database_url: str) -> None:
    async with opened(database_url) as (rows, chores, other):
        await chores.step()
        await add(other, 5_000)
        await chores.step()
        assert await left(other) == 1  # it is near, and not due yet
        rows.now_ms = 5_000
        await chores.step()
        assert await left(other) == 0


async def test_what_falls_due_later_is_done_without_a_commit(database_url: str) -> None:
    async with opened(database_url) as (rows, chores, other):
        await add(other, 10 * AHEAD_MS)
        await chores.step()
        assert rows.steps == 0
        rows.now_ms = 10 * AHEAD_MS
        await chores.step()
        assert await left(other) == 0


async def test_a_record_that_does_not_change_is_not_read(sqlite_url: str) -> None:
    async with opened(sqlite_url) as (rows, chores, other):
        for _ in range(5):
            await chores.step()
        assert rows.looks == 1
        rows.now_ms += AHEAD_MS
        await chores.step()
        assert rows.looks == 2
        await add(other, 10 * AHEAD_MS)
        await chores.step()
        await chores.step()
        assert rows.looks == 3


async def test_the_version_changes_with_a_commit_of_anyone(database_url: str) -> None:
    async with opened(database_url) as (rows, _, other):
        seen = [await rows.record.version.read()]
        for record in (rows.record, other):
            await add(record, 0)
            seen.append(await rows.record.version.read())
        assert len(set(seen)) == 3


async def test_what_could_not_be_read_is_read_again(sqlite_url: str) -> None:
    async with opened(sqlite_url) as (rows, _, other):
        reread = rows.record.reread()

        async def needed() -> bool:
            async with reread.needed() as needed:
                return needed

        with pytest.raises(ValueError, match="unreadable"):
            async with reread.needed():
                raise ValueError("unreadable")
        assert [await needed(), await needed()] == [True, False]
        await add(other, 0)
        assert [await needed(), await needed()] == [True, False]
