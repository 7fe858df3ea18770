"""The record's connections, when what they do is cancelled, and when the record is away."""

import asyncio
import contextlib
import threading

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from commerce.io.record.engine import Record, close_engine, is_away, open_engine
from tests.support.waiting import free_port

# Some tenths of a second of SQLite's time.
SLOW = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
    "SELECT COUNT(*) FROM n"
)


async def test_a_cancelled_call_of_sqlite_has_ended_when_its_engine_is_closed(
    sqlite_url: str,
) -> None:
    before = set(threading.enumerate())
    engine = open_engine(sqlite_url)
    started = asyncio.Event()

    async def read() -> None:
        async with Record(engine).read() as connection:
            started.set()
            await connection.execute(SLOW)

    reading = asyncio.create_task(read())
    await started.wait()
    await asyncio.sleep(0)  # the statement is on its way
    reading.cancel()
    await asyncio.wait([reading])
    await close_engine(engine)
    left = [one for one in threading.enumerate() if "_connection_worker" in one.name]
    assert set(left) <= before


async def test_a_record_that_cannot_be_reached_is_away() -> None:
    engine = open_engine(f"postgresql+asyncpg://linli@127.0.0.1:{free_port()}/linli")
    with pytest.raises(DBAPIError) as refused:
        async with Record(engine).read():
            pass
    await close_engine(engine)
    assert is_away(refused.value)


async def test_a_record_that_ends_a_connection_is_away(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with pytest.raises(DBAPIError) as ended:
        async with Record(engine).read() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await close_engine(engine)
    assert is_away(ended.value)


async def test_a_wrong_statement_is_no_record_that_is_away(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    for statement in ("SELECT 1 / 0", "SELECT nothing", "INVALID"):
        with pytest.raises(DBAPIError) as wrong:
            async with Record(engine).read() as connection:
                await connection.execute(text(statement))
        assert not is_away(wrong.value)
    await close_engine(engine)


async def test_a_file_that_another_process_writes_is_away(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commerce.io.record.engine.BUSY_TIMEOUT_MS", 1)
    one, other = open_engine(sqlite_url), open_engine(sqlite_url)
    async with Record(one).write():
        with pytest.raises(DBAPIError) as locked:
            async with Record(other).write():
                pass
    for engine in (one, other):
        await close_engine(engine)
    assert is_away(locked.value)


@pytest.mark.parametrize("raises", [True, False])
async def test_a_result_that_is_left_half_read_leaves_the_next_reader_no_old_snapshot(
    sqlite_url: str, raises: bool
) -> None:
    engine = open_engine(sqlite_url)
    record = Record(engine)
    kept: list[object] = []  # as a traceback or a caller keeps it

    def begin(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE seen (n INTEGER)"))
        connection.execute(text("INSERT INTO seen VALUES (1), (2)"))

    def leave(connection: Connection) -> None:
        rows = connection.execute(text("SELECT n FROM seen"))
        next(iter(rows))
        kept.append(rows)
        if raises:
            raise LookupError

    def count(connection: Connection) -> int:
        return int(connection.scalar(text("SELECT COUNT(*) FROM seen")) or 0)

    try:
        await record.transact(begin)
        for work in (record.query, record.transact):
            with contextlib.suppress(LookupError):
                await work(leave)
        async with record.write() as other:
            await other.execute(text("INSERT INTO seen VALUES (3)"))
        assert [await record.query(count) for _ in range(2)] == [3, 3]
        assert len(kept) == 2
    finally:
        await close_engine(engine)
