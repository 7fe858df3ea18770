"""What leaders' use cases need of an estate."""

from sqlalchemy import Connection, select

from commerce.io.record.schema import estates


def time_zone_of(connection: Connection, estate_id: str) -> str:
    """Return the time zone of an estate that exists."""
    found = select(estates.c.time_zone).where(estates.c.id == estate_id)
    return str(connection.execute(found).scalar_one())
