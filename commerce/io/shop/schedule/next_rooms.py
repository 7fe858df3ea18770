"""Leading an audience to another live of the brand, in the record."""

from sqlalchemy import Connection, delete, insert, select

from commerce.catalogue.values import Live, LiveState, Room
from commerce.errors import NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema import lives
from commerce.io.record.schema_lives import next_rooms
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.lives.next_room import SHOWN_MS, NextRoom, reachable


class NextRooms:
    """Finds, sets and takes away where a room's audience is led."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def candidates(self, room_id: str) -> list[Room]:
        """The rooms that the audience may be led to, the newest live first.

        Raises:
            NotFound: There is no such room.
        """
        catalogue = self._shop.catalogue
        catalogue.room(room_id)
        found = await self._shop.record.query(
            lambda connection: _candidates(connection, catalogue, room_id)
        )
        return [catalogue.room(id) for id in found]

    async def set(self, room_id: str, to_room_id: str, *, actor: str) -> NextRoom:
        """Lead the audience of a room to another one, in place of the one before.

        Raises:
            NotFound: There is no such room, or the brand has no such live.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        catalogue.room(room_id)
        row = {"room_id": room_id, "to_room_id": to_room_id, "until_ms": at_ms + SHOWN_MS}

        def write(connection: Connection) -> NextRoom:
            if to_room_id not in _candidates(connection, catalogue, room_id):
                raise NotFound("room", to_room_id)
            connection.execute(delete(next_rooms).where(next_rooms.c.room_id == room_id))
            connection.execute(insert(next_rooms), row)
            self._changed(connection, room_id, to_room_id, actor, at_ms)
            return _view(catalogue, to_room_id, at_ms + SHOWN_MS)

        found = await self._shop.record.transact(write)
        self._shop.on_commit()
        return found

    async def clear(self, room_id: str, *, actor: str) -> None:
        """Lead the audience nowhere; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            gone = connection.execute(delete(next_rooms).where(next_rooms.c.room_id == room_id))
            if gone.rowcount:
                self._changed(connection, room_id, None, actor, at_ms)

        await self._shop.record.transact(write)
        self._shop.on_commit()

    async def shown(self, room_id: str) -> NextRoom | None:
        """Where the audience is led now."""
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        return await self._shop.record.query(
            lambda connection: next_room_of(connection, catalogue, room_id, at_ms)
        )

    def _changed(
        self, connection: Connection, room_id: str, to: str | None, actor: str, at_ms: int
    ) -> None:
        changed(connection, room_id, Part.NEXT_ROOM, at_ms)
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        after = {"to": to} if to else None
        record_audit(connection, brand_id, actor, "room.next", room_id, None, after, at_ms)


def next_room_of(
    connection: Connection, catalogue: Catalogue, room_id: str, at_ms: int
) -> NextRoom | None:
    """Where the audience of a room is led now."""
    row = connection.execute(
        select(next_rooms.c.to_room_id, next_rooms.c.until_ms).where(
            next_rooms.c.room_id == room_id, next_rooms.c.until_ms > at_ms
        )
    ).first()
    return _view(catalogue, row.to_room_id, row.until_ms) if row else None


def _view(catalogue: Catalogue, room_id: str, until_ms: int) -> NextRoom:
    room = catalogue.room(room_id)
    return NextRoom(room_id, room.title, catalogue.store(room.store_id).name, until_ms)


def _candidates(connection: Connection, catalogue: Catalogue, room_id: str) -> list[str]:
    brand_id = catalogue.brand_id("room", room_id)
    own = {id for id in catalogue.rooms if catalogue.brand_id("room", id) == brand_id}
    rows = connection.execute(
        select(lives.c.room_id, lives.c.state, lives.c.started_at_ms).where(
            lives.c.state == LiveState.LIVE.value
        )
    )
    on_air = [Live(row.room_id, LiveState(row.state), row.started_at_ms) for row in rows]
    return reachable(on_air, room_id, own, catalogue.rehearsals)
