"""Where rooms are pushed to beside their own page: an address each, and a key that is sealed."""

from typing import NamedTuple

from sqlalchemy import delete, insert, select

from commerce.io.record.schema_recordings import restreams
from commerce.io.shop.context import ShopContext


class RestreamRow(NamedTuple):
    """What is kept of a target; only who sealed the key can read it."""

    room_id: str
    address: str
    sealed_key: str


class Restreams:
    """Keeps one target of each room."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop
        self._reread = shop.record.reread()
        self._rows: list[RestreamRow] = []

    async def put(self, row: RestreamRow) -> None:
        """Set a room's target.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(row.room_id)
        async with self._shop.record.write() as connection:
            await connection.execute(delete(restreams).where(restreams.c.room_id == row.room_id))
            await connection.execute(insert(restreams), row._asdict())

    async def remove(self, room_id: str) -> None:
        """Leave a room without a target; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.write() as connection:
            await connection.execute(delete(restreams).where(restreams.c.room_id == room_id))

    async def all(self) -> list[RestreamRow]:
        """Return the targets of all rooms."""
        every = select(restreams.c.room_id, restreams.c.address, restreams.c.sealed_key)
        async with self._reread.needed() as needed:
            if needed:
                self._rows = await self._shop.record.query(
                    lambda connection: [RestreamRow(*row) for row in connection.execute(every)]
                )
        return self._rows
