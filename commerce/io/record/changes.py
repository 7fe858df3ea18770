"""Whether the record may have changed since something was read from it.

What is read again and again mostly has not changed. SQLite and PostgreSQL both say for little
whether any transaction was committed since, by this worker or another one.
"""

import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS text)")
_DATA_VERSION = "PRAGMA data_version"
_MEMORY = ("", ":memory:")


class RecordVersion:
    """A value that is another one after every commit, whoever made it.

    Read it before what is kept by it: two equal values mean that nothing was committed between.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._sqlite: sqlite3.Connection | None = None
        self._unknown = itertools.count()

    async def read(self) -> str:
        """Return the version of now.

        Raises:
            DBAPIError: PostgreSQL is away.
        """
        if self._is_sqlite:
            return self._read_sqlite()
        # Other databases of the server change it too, which only costs reading once more.
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            return str(await connection.scalar(_SNAPSHOT))

    def _read_sqlite(self) -> str:
        """A look at the shared memory of the WAL, some microseconds: no thread is worth it."""
        database = self._engine.url.database or ""
        if database in _MEMORY or "mode=memory" in database:
            return f"unknown {next(self._unknown)}"
        try:
            if self._sqlite is None:
                # A connection that writes nothing sees the commits of all others.
                self._sqlite = sqlite3.connect(
                    database, timeout=0, isolation_level=None, check_same_thread=False
                )
                event.listen(self._engine.sync_engine, "engine_disposed", self._close)
            return str(self._sqlite.execute(_DATA_VERSION).fetchone()[0])
        except sqlite3.OperationalError:  # locked: somebody is changing it
            return f"unknown {next(self._unknown)}"

    def _close(self, _engine: object) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
            self._sqlite = None


class Reread:
    """Guards something that is read from the record again and again."""

    def __init__(self, version: RecordVersion) -> None:
        self._version = version
        self._read_at = ""

    @asynccontextmanager
    async def needed(self) -> AsyncIterator[bool]:
        """Whether to read it again; it counts as read once the block ends without an error.

        Raises:
            DBAPIError: PostgreSQL is away.
        """
        now = await self._version.read()
        yield now != self._read_at
        self._read_at = now
