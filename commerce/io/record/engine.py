"""The record's connections: SQLite with one writer, or PostgreSQL; and the clock of production."""

import asyncio
import sqlite3
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiosqlite
import asyncpg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, QueuePool

from commerce.io.record.changes import RecordVersion, Reread

BUSY_TIMEOUT_MS = 10_000  # another process writes the same SQLite file
POOL_SIZE = 8
POOL_OVERFLOW = 16
POOL_WAIT_S = 30.0  # for a free connection
SQLITE_CACHE_KIB = 32_768
# SQLSTATE classes and codes of PostgreSQL that say nothing about the statement: no connection,
# too many of them, a server that shuts down, crashed or starts.
_AWAY_STATES = ("08", "53", "57P")
_PostgresAway: Any = AsyncAdapt_asyncpg_dbapi.OperationalError

Clock = Callable[[], int]
T = TypeVar("T")


def wall_clock() -> int:
    """UTC in milliseconds. Machines that share a Redis need NTP."""
    return time.time_ns() // 1_000_000


def open_engine(url: str | URL) -> AsyncEngine:
    """Open the record; `upgrade` it before use, `close_engine` it after. SQLite is in WAL mode."""
    connections: list[aiosqlite.Connection] = []
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = create_async_engine(
        url,
        poolclass=_AsyncWaiting,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_S,
        connect_args={
            "async_creator_fn": _connector(connections) if is_sqlite else _connect_postgres
        },
        execution_options={"linli_connections": connections},
    )
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _sqlite_connected)
        event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return engine


def is_away(error: SQLAlchemyError) -> bool:
    """Whether the record could not be reached or was busy: the same again may succeed."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or "connection is closed" in str(error.orig):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_AWAY_STATES)
    return isinstance(error, OperationalError) and (
        isinstance(error.orig, _PostgresAway) or "database is locked" in str(error.orig)
    )


async def close_engine(engine: AsyncEngine) -> None:
    """Close all connections.

    A SQLite call that was cancelled works on in its thread, and answers to this event loop: it is
    waited for, so that the loop may be closed.
    """
    await engine.dispose()
    for connection in engine.get_execution_options()["linli_connections"]:
        if connection._thread.is_alive():
            await asyncio.to_thread(connection._thread.join, BUSY_TIMEOUT_MS / 1_000)


class _Waiting(QueuePool):
    """A wait that was too long is an error of the database, as is a database that is away.

    So what tries again after one also does after the other.
    """

    __module__ = QueuePool.__module__  # it logs as SQLAlchemy's own pools do

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return super()._do_get()
        except PoolTimeoutError as error:
            raise OperationalError(
                "a connection of the pool", None, _PostgresAway(str(error), error)
            ) from error


class _AsyncWaiting(_Waiting, AsyncAdaptedQueuePool):
    """The same, where the event loop waits."""

    __module__ = QueuePool.__module__


def _connector(opened: list[aiosqlite.Connection]) -> Callable[..., aiosqlite.Connection]:
    """Open connections as SQLAlchemy does, and keep them in `opened` until their threads end."""

    def connect(*path: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*path, **options)
        connection._thread.daemon = True
        opened[:] = [one for one in opened if not _has_ended(one._thread)]
        opened.append(connection)
        return connection

    return connect


async def _connect_postgres(*address: Any, **options: Any) -> Any:
    """Connect; what prevents it is an error of the database, like those of a connection's end.

    SQLAlchemy passes on what the driver raises here as it is: `OSError` and the driver's own.
    """
    try:
        return await asyncpg.connect(*address, **options)
    except (OSError, asyncpg.PostgresError) as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _PostgresAway(text, error) from error


def _has_ended(thread: threading.Thread) -> bool:
    return thread.ident is not None and not thread.is_alive()


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
    if not options.get("linli_write", False):
        connection.exec_driver_sql("BEGIN")
        return
    wanted = "FULL" if options.get("linli_durable", True) else "NORMAL"
    if connection.info.get("linli_synchronous", "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["linli_synchronous"] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Record:
    """Transactions on the record: `read()` for a snapshot, `write()` for a change.

    On SQLite the writers of a worker queue here instead of polling for the file's lock.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.version = RecordVersion(engine)
        self._reader = engine
        self._writers = {
            durable: engine.execution_options(linli_write=True, linli_durable=durable)
            for durable in (True, False)
        }
        if not self.is_sqlite:
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ")
        self._turn = asyncio.Lock()
        self._threaded: Engine | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One snapshot; nothing is written."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction, on disk when this returns.

        Without `durable` it may be lost in a power cut (never in part, and never before a durable
        one that came later); for work that is done again anyway.
        """
        if self.is_sqlite:
            async with self._turn, self._writers[durable].begin() as connection:
                yield connection
            return
        async with self._writers[durable].begin() as connection:
            if not durable:
                await connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    def reread(self) -> Reread:
        """Return a guard for what is read from here again and again."""
        return Reread(self.version)

    async def query(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one snapshot; nothing is written.

        For the hot path: on SQLite all of it runs in a thread, as in `transact`.
        """
        if not self.is_sqlite:
            async with self.read() as connection:
                return await connection.run_sync(work)
        return await self._thread(work)

    async def transact(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run `work` in one write transaction; see `write` for `durable`.

        For the hot path: on SQLite the whole transaction runs in a thread, one hop instead of four
        per statement. When cancelled, it is waited for: it is done or rolled back on return.
        """
        if not self.is_sqlite:
            async with self.write(durable=durable) as connection:
                return await connection.run_sync(work)
        async with self._turn:
            return await self._thread(work, linli_write=True, linli_durable=durable)

    async def _thread(self, work: Callable[[Connection], T], **options: bool) -> T:
        if self._threaded is None:
            self._threaded = _threaded(self.engine)
        engine = self._threaded.execution_options(**options)

        def run() -> T:
            with engine.begin() as connection:
                return work(connection)

        running = asyncio.get_running_loop().run_in_executor(None, run)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait((running,))
            raise


class _SqliteConnection(sqlite3.Connection):
    """One whose cursors can be closed, whoever still refers to them.

    SQLite keeps a snapshot as long as a statement is half-read, beyond the end of its transaction.
    A result that an exception left unread lives as long as its traceback; the next reader of the
    pooled connection would see the record as it was then.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """Open a cursor, and know it while it lives."""
        cursor = super().cursor(factory)
        self._cursors.add(cursor)
        return cursor

    def close_cursors(self) -> None:
        """End all statements, read to their end or not."""
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()


def _sqlite_reset(connection: _SqliteConnection, _record: object, _state: object) -> None:
    connection.close_cursors()


def _threaded(engine: AsyncEngine) -> Engine:
    """The same SQLite file for use from threads; closed together with `engine`."""
    threaded = create_engine(
        engine.url.set(drivername="sqlite"),
        connect_args={"factory": _SqliteConnection},
        poolclass=_Waiting,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_S,
    )
    event.listen(threaded, "connect", _sqlite_connected)
    event.listen(threaded, "begin", _sqlite_begin)
    event.listen(threaded, "reset", _sqlite_reset)
    event.listen(engine.sync_engine, "engine_disposed", lambda _engine: threaded.dispose())
    return threaded
