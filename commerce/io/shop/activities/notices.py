"""The notice of a room in the record."""

from sqlalchemy import Connection, delete, insert, select

from commerce.activities.notice import NOTICE_CHARS_MAX
from commerce.activities.texts import text_of
from commerce.io.record.schema_activities import room_notices
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext


class Notices:
    """Sets and takes away the notice of a room."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def set(self, room_id: str, typed: str, *, actor: str) -> str:
        """Pin a text in place of the one before; return it as it is shown.

        Raises:
            NotFound: There is no such room.
            InvalidField: The text is empty or too long.
        """
        text = text_of(typed, NOTICE_CHARS_MAX, "text")
        await self._write(room_id, text, actor)
        return text

    async def clear(self, room_id: str, *, actor: str) -> None:
        """Take the notice away; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        await self._write(room_id, None, actor)

    async def shown(self, room_id: str) -> str | None:
        """The notice of a room."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(notice_of, room_id)

    async def _write(self, room_id: str, text: str | None, actor: str) -> None:
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)

        def write(connection: Connection) -> str | None:
            before = notice_of(connection, room_id)
            connection.execute(delete(room_notices).where(room_notices.c.room_id == room_id))
            if text is not None:
                row = {"room_id": room_id, "text": text, "set_at_ms": at_ms}
                connection.execute(insert(room_notices), row)
            changed(connection, room_id, Part.NOTICE, at_ms)
            return before

        async with self._shop.record.write() as connection:
            before = await connection.run_sync(write)
            await self._shop.audit(
                connection,
                actor,
                "room.notice",
                room_id,
                _shown(before),
                _shown(text),
                at_ms,
                brand_id=brand_id,
            )
        self._shop.on_commit()


def notice_of(connection: Connection, room_id: str) -> str | None:
    """The notice of a room."""
    found: str | None = connection.scalar(
        select(room_notices.c.text).where(room_notices.c.room_id == room_id)
    )
    return found


def _shown(text: str | None) -> dict[str, object] | None:
    return None if text is None else {"text": text}
