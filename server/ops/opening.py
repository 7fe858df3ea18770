"""Opens what the settings name; what cannot be opened is one line that names the setting."""

import contextlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from asyncpg import PostgresError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.io.record.engine import close_engine, open_engine
from commerce.io.record.migrate import UnknownSchema, upgrade
from server.errors import OperatorError
from server.settings import DRIVERS, Settings

# ImportError: no driver for this kind of database. ValueError: no URL at all.
_FAILURES = (
    OSError,
    ValueError,
    ImportError,
    RedisError,
    SQLAlchemyError,
    UnknownSchema,
    PostgresError,
)


@contextlib.contextmanager
def opening(setting: str) -> Iterator[None]:
    """Say of what goes wrong within that `setting` is the cause.

    Raises:
        OperatorError: `LINLI_…: what is wrong`, in one line.
    """
    try:
        yield
    except _FAILURES as error:
        raise OperatorError(f"{setting}: {_one_line(error)}") from error


def open_data_folder(settings: Settings) -> Path:
    """Make the data folder if there is none; what lies in it is for its owner alone.

    Raises:
        OperatorError: It is no folder, or not ours to write.
    """
    folder = settings.data_dir
    with opening("LINLI_DATA_DIR"):
        if folder.exists() and not folder.is_dir():
            raise OperatorError(f"LINLI_DATA_DIR: {folder} is a file, not a folder.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OperatorError(f"LINLI_DATA_DIR: {folder} cannot be written by this user.")
        for path in (*folder.glob("linli.sqlite3*"), *folder.glob("valkey/**/*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & 0o700)
    return folder


def find_pages(settings: Settings) -> None:
    """Look into the folder of the browser apps, if the operator named one.

    Raises:
        OperatorError: There are none in it.
    """
    if "web_dir" in settings.model_fields_set and not (settings.web_dir / "room.html").is_file():
        raise OperatorError(f"LINLI_WEB_DIR: {settings.web_dir} has no built pages in it.")


@contextlib.asynccontextmanager
async def open_record(settings: Settings, *, migrate: bool = True) -> AsyncIterator[AsyncEngine]:
    """Open the record with the newest schema, which it has already if it is not to `migrate`.

    Raises:
        OperatorError: The database is not there, not ours, or newer than this program.
    """
    open_data_folder(settings)
    setting = "LINLI_DATABASE_URL" if settings.database_url else "LINLI_DATA_DIR"
    with opening(setting):
        kind = settings.sql_url.get_backend_name()
        if kind not in DRIVERS:
            raise OperatorError(f"{setting}: {kind} is none of {', '.join(DRIVERS)}.")
        engine = open_engine(settings.sql_url)
    try:
        if migrate:
            with opening(setting):
                await upgrade(engine)
        yield engine
    finally:
        await close_engine(engine)


def _one_line(error: BaseException) -> str:
    """Return what an error says, without the statements and links that SQLAlchemy adds."""
    if isinstance(error, DBAPIError) and error.orig:
        return _one_line(error.orig)
    text = next((line for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return text or type(error).__name__
