"""Rehearsals in the record: a room is closed to all but the staff of its brand, and sells nothing.

Every worker knows by its copy of the catalogue which rooms rehearse.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Select, select, update

from commerce.catalogue.values import LiveState
from commerce.errors import OnAir
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import lives, rooms
from commerce.io.shop.context import ShopContext

REHEARSAL_MS_MAX = 2 * 3_600_000
"""A rehearsal that nobody ends is over then, so that its room is not closed for ever."""
SYSTEM = "system"


class Rehearsals:
    """Begins and ends rehearsals of rooms."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def runs(self, room_id: str) -> bool:
        """Whether a room rehearses, by the record; this worker's catalogue knows it then, too."""
        since_ms = await self._shop.record.query(
            lambda connection: connection.scalar(_since(room_id))
        )
        if (since_ms is not None) != (room_id in self._shop.catalogue.rehearsals):
            await self._shop.cache.refresh_changed()
        return since_ms is not None

    async def begin(self, room_id: str, *, actor: str) -> None:
        """Close the room to neighbours until `end`, or for `REHEARSAL_MS_MAX`; idempotent.

        Raises:
            NotFound: There is no such room.
            OnAir: Its live would be taken from those who watch it.
        """
        self._shop.catalogue.room(room_id)
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            # The row's lock comes first: a live that begins meanwhile reads the flag after it.
            free = rooms.c.rehearsal_since_ms.is_(None)
            written = connection.execute(
                update(rooms).where(rooms.c.id == room_id, free).values(rehearsal_since_ms=at_ms)
            )
            if not written.rowcount:
                return
            state = connection.scalar(select(lives.c.state).where(lives.c.room_id == room_id))
            if state in (LiveState.LIVE.value, LiveState.PAUSED.value):
                raise OnAir(room_id)
            _announce(connection, brand_id, room_id, actor, at_ms, began=True)

        await self._written(write)

    async def end(self, room_id: str, *, actor: str) -> None:
        """Open the room to everybody; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        at_ms = self._shop.clock()
        await self._written(lambda connection: _end(connection, brand_id, room_id, actor, at_ms))

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_too_long(connection, at_ms))

    async def step(self) -> None:
        """End what has lasted too long."""
        at_ms = self._shop.clock()
        found = await self._shop.record.query(lambda connection: _too_long(connection, at_ms))
        for room_id in found:
            await self.end(room_id, actor=SYSTEM)

    async def _written(self, write: Callable[[Connection], None]) -> None:
        await self._shop.record.transact(write)
        await self._shop.cache.refresh_changed()
        self._shop.on_commit()


def _too_long(connection: Connection, at_ms: int) -> list[str]:
    old = select(rooms.c.id).where(rooms.c.rehearsal_since_ms < at_ms - REHEARSAL_MS_MAX)
    return list(connection.scalars(old))


def _since(room_id: str) -> Select[tuple[int | None]]:
    return select(rooms.c.rehearsal_since_ms).where(rooms.c.id == room_id)


def _end(connection: Connection, brand_id: str, room_id: str, actor: str, at_ms: int) -> None:
    running = rooms.c.rehearsal_since_ms.is_not(None)
    written = connection.execute(
        update(rooms).where(rooms.c.id == room_id, running).values(rehearsal_since_ms=None)
    )
    if written.rowcount:
        _announce(connection, brand_id, room_id, actor, at_ms, began=False)


def _announce(
    connection: Connection, brand_id: str, room_id: str, actor: str, at_ms: int, *, began: bool
) -> None:
    enqueue(connection, Topic.PLACE, [brand_id], at_ms)
    before, after = {"rehearses": not began}, {"rehearses": began}
    record_audit(connection, brand_id, actor, "room.rehearsal", room_id, before, after, at_ms)
