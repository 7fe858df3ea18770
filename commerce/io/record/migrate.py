"""Brings the record to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x11471  # PostgreSQL advisory lock: one process migrates, the others wait


async def upgrade(engine: AsyncEngine) -> None:
    """Apply every migration that is missing; safe to call from several processes at once."""
    writer = engine.execution_options(linli_write=True)
    async with writer.begin() as connection:
        await connection.run_sync(_upgrade)


def newest_schema() -> str:
    """Return the revision that `upgrade` brings a record to."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
