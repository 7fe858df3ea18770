"""Brings the record to the newest schema."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x11471  # PostgreSQL advisory lock: one process migrates, the others wait


class UnknownSchema(Exception):
    """The record's schema is one that this version cannot bring to its own."""


async def upgrade(engine: AsyncEngine) -> None:
    """Apply every migration that is missing; safe to call from several processes at once.

    Raises:
        UnknownSchema: A newer version has upgraded the record.
    """
    async with engine.begin() as connection:
        if await connection.run_sync(_is_newest):
            return
    writer = engine.execution_options(linli_write=True)
    async with writer.begin() as connection:
        await connection.run_sync(_upgrade)


def newest_schema() -> str:
    """Return the revision that `upgrade` brings a record to."""
    files = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return max(file.name.partition("_")[0] for file in files)


def _is_newest(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    return list(found) == [newest_schema()]


def _upgrade(connection: Connection) -> None:
    # Some 10 MB with all migrations, which a worker whose record is up to date does not need.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownSchema(str(error)) from None
