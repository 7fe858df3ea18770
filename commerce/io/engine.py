"""The record's connections: SQLite with one writer, or PostgreSQL; and the clock of production."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 10_000  # another process writes the same SQLite file
POOL_SIZE = 8
POOL_OVERFLOW = 16
SQLITE_CACHE_KIB = 32_768

Clock = Callable[[], int]


def wall_clock() -> int:
    """UTC in milliseconds. Nodes that share a Redis need NTP."""
    return time.time_ns() // 1_000_000


def open_engine(url: str) -> AsyncEngine:
    """Open the record; `upgrade` it before use. SQLite is put into WAL mode."""
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _sqlite_connected)
        event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connected(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_sqlite_begin` says so
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{SQLITE_CACHE_KIB}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    wanted = "FULL" if options.get("linli_durable", True) else "NORMAL"
    if connection.info.get("linli_synchronous", "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["linli_synchronous"] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("linli_write", False) else "BEGIN")


class Record:
    """Transactions on the record: `read()` for a snapshot, `write()` for a change.

    On SQLite the writers of a process queue here instead of polling for the file's lock.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._reader = engine
        self._writers = {
            durable: engine.execution_options(linli_write=True, linli_durable=durable)
            for durable in (True, False)
        }
        if not self.is_sqlite:
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ")
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One snapshot; nothing is written."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction, on disk when this returns.

        Without `durable` it may be lost in a power cut (never in part, and never before a durable
        one that came later); for work that is repeated anyway.
        """
        if self.is_sqlite:
            async with self._turn, self._writers[durable].begin() as connection:
                yield connection
            return
        async with self._writers[durable].begin() as connection:
            if not durable:
                await connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection
