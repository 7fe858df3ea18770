"""The record's connections, when what they do is cancelled."""

import asyncio
import threading

from sqlalchemy import text

from commerce.io.record.engine import Record, close_engine, open_engine

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
