"""Slow mode, members only, listed words and moderators of a room, in the record."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, func, insert, select

from commerce.activities.moderation import (
    MODERATORS_MAX,
    SLOW_S_MAX,
    WORDS_MAX,
    Rules,
    Shown,
    Word,
)
from commerce.errors import InvalidField
from commerce.io.record.audit_trail import Value
from commerce.io.record.schema_moderation import listed_words, room_moderators
from commerce.io.shop.context import ShopContext
from commerce.io.shop.moderation.rules import bump, rules_of, shown_of


class ModerationSettings:
    """Reads and changes what holds for everybody in a room; each change has an audit entry."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def rules(self, room_id: str) -> Rules:
        """All that holds in a room.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            return await connection.run_sync(rules_of, room_id, self._shop.clock())

    async def shown(self, room_id: str) -> Shown:
        """What everybody in the room is shown of it."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_of, room_id)

    async def set(self, room_id: str, slow_s: int, members_only: bool, *, actor: str) -> None:
        """Set the seconds that guests wait between lines, and whether only members write.

        Raises:
            NotFound: There is no such room.
            InvalidField: `slow_s` is out of range.
        """
        if not 0 <= slow_s <= SLOW_S_MAX:
            raise InvalidField("slow_s", f"0 to {SLOW_S_MAX}")

        def write(connection: Connection, at_ms: int) -> tuple[Value, Value]:
            before = shown_of(connection, room_id)
            bump(connection, room_id, at_ms, slow_s=slow_s, members_only=members_only)
            return (
                {"slow_s": before.slow_s, "members_only": before.members_only},
                {"slow_s": slow_s, "members_only": members_only},
            )

        await self._change(room_id, actor, "chat.settings", room_id, write)

    async def set_words(self, room_id: str, words: Sequence[Word], *, actor: str) -> None:
        """Replace the listed words of a room.

        Raises:
            NotFound: There is no such room.
            InvalidField: There are too many.
        """
        if len(words) > WORDS_MAX:
            raise InvalidField("words", f"at most {WORDS_MAX}")

        def write(connection: Connection, at_ms: int) -> tuple[Value, Value]:
            mine = listed_words.c.room_id == room_id
            before = connection.scalars(select(listed_words.c.text).where(mine)).all()
            connection.execute(delete(listed_words).where(mine))
            rows = {
                word.text: {
                    "room_id": room_id,
                    "text": word.text,
                    "verdict": word.verdict,
                    "syllables": list(word.syllables),
                    "listed_at_ms": at_ms,
                }
                for word in words
            }
            if rows:
                connection.execute(insert(listed_words), list(rows.values()))
            bump(connection, room_id, at_ms)
            return (
                {"removed": sorted(set(before) - set(rows))},
                {"added": sorted(set(rows) - set(before)), "count": len(rows)},
            )

        await self._change(room_id, actor, "chat.words", room_id, write)

    async def add_moderator(self, room_id: str, subject: str, nickname: str, *, actor: str) -> None:
        """Make somebody a moderator of the room; idempotent.

        Raises:
            NotFound: There is no such room.
            InvalidField: There are enough.
        """

        def write(connection: Connection, at_ms: int) -> tuple[Value, Value]:
            mine = room_moderators.c.room_id == room_id
            connection.execute(
                delete(room_moderators).where(mine, room_moderators.c.subject == subject)
            )
            count = connection.scalar(select(func.count()).select_from(room_moderators).where(mine))
            if (count or 0) >= MODERATORS_MAX:
                raise InvalidField("subject", f"at most {MODERATORS_MAX} moderators")
            row = {"room_id": room_id, "subject": subject, "nickname": nickname, "since_ms": at_ms}
            connection.execute(insert(room_moderators), row)
            bump(connection, room_id, at_ms)
            return None, {"room": room_id}

        await self._change(room_id, actor, "chat.moderator", subject, write)

    async def remove_moderator(self, room_id: str, subject: str, *, actor: str) -> None:
        """Somebody is a moderator no more; idempotent.

        Raises:
            NotFound: There is no such room.
        """

        def write(connection: Connection, at_ms: int) -> tuple[Value, Value]:
            connection.execute(
                delete(room_moderators).where(
                    room_moderators.c.room_id == room_id, room_moderators.c.subject == subject
                )
            )
            bump(connection, room_id, at_ms)
            return {"room": room_id}, None

        await self._change(room_id, actor, "chat.moderator", subject, write)

    async def _change(
        self,
        room_id: str,
        actor: str,
        action: str,
        subject: str,
        write: Callable[[Connection, int], tuple[Value, Value]],
    ) -> None:
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        async with self._shop.record.write() as connection:
            before, after = await connection.run_sync(write, at_ms)
            await self._shop.audit(
                connection, actor, action, subject, before, after, at_ms, brand_id=brand_id
            )
        self._shop.on_commit()
