"""Reminders of scheduled lives: who wants one, and posting them shortly before the live."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.errors import NotFound
from commerce.io.record.schema_lives import live_reminders, scheduled_lives
from commerce.io.shop.chores import AHEAD_MS
from commerce.io.shop.context import ShopContext
from commerce.io.shop.notices import post_notices
from commerce.lives.schedule import REMIND_BEFORE_MS, REMIND_UNTIL_MS
from commerce.notices.notices import Notice, NoticeKind

LIVES_PER_STEP = 10


class LiveReminders:
    """Notes who wants to be reminded of a live, and reminds them once."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def want(self, room_id: str, live_id: str, guest_id: str) -> None:
        """Remind a guest of a scheduled live; idempotent.

        Raises:
            NotFound: The room has no such scheduled live.
        """

        def write(connection: Connection) -> None:
            open_live = (
                scheduled_lives.c.id == live_id,
                scheduled_lives.c.room_id == room_id,
                scheduled_lives.c.cancelled_at_ms.is_(None),
            )
            if connection.scalar(select(scheduled_lives.c.id).where(*open_live)) is None:
                raise NotFound("live", live_id)
            new = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
            row = new(live_reminders).values(live_id=live_id, guest_id=guest_id)
            connection.execute(row.on_conflict_do_nothing())

        await self._shop.record.transact(write)

    async def drop(self, live_id: str, guest_id: str) -> None:
        """Do not remind a guest of a live; idempotent."""
        which = (live_reminders.c.live_id == live_id, live_reminders.c.guest_id == guest_id)
        await self._shop.record.transact(
            lambda connection: connection.execute(delete(live_reminders).where(*which))
        )

    async def wanted(self, room_id: str, guest_id: str) -> list[str]:
        """The scheduled lives of a room of which a guest wants to be reminded."""
        mine = (
            select(live_reminders.c.live_id)
            .join(scheduled_lives, scheduled_lives.c.id == live_reminders.c.live_id)
            .where(scheduled_lives.c.room_id == room_id, live_reminders.c.guest_id == guest_id)
            .order_by(scheduled_lives.c.starts_at_ms)
        )
        return await self._shop.record.query(lambda connection: list(connection.scalars(mine)))

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_near(connection, at_ms, at_ms - AHEAD_MS))

    async def step(self) -> None:
        """Post the reminders of lives that are about to begin; several workers may do it."""
        at_ms = self._shop.clock()
        near = await self._shop.record.query(lambda connection: _near(connection, at_ms, at_ms))
        if near:
            await self._shop.record.transact(lambda connection: _remind(connection, near, at_ms))


def _near(connection: Connection, at_ms: int, since_ms: int) -> list[str]:
    """The lives about to begin of which nobody was reminded yet."""
    earliest_ms, latest_ms = since_ms - REMIND_UNTIL_MS, at_ms + REMIND_BEFORE_MS
    near = scheduled_lives.c.starts_at_ms.between(earliest_ms, latest_ms)
    return list(
        connection.scalars(
            select(scheduled_lives.c.id)
            .where(
                near,
                scheduled_lives.c.reminded_at_ms.is_(None),
                scheduled_lives.c.cancelled_at_ms.is_(None),
            )
            .order_by(scheduled_lives.c.starts_at_ms)
            .limit(LIVES_PER_STEP)
        )
    )


def _remind(connection: Connection, live_ids: Sequence[str], at_ms: int) -> None:
    for live_id in live_ids:
        mine = connection.execute(
            update(scheduled_lives)
            .where(scheduled_lives.c.id == live_id, scheduled_lives.c.reminded_at_ms.is_(None))
            .values(reminded_at_ms=at_ms)
        )
        if mine.rowcount:
            wanted = select(live_reminders.c.guest_id).where(live_reminders.c.live_id == live_id)
            new = [
                Notice(guest_id, NoticeKind.LIVE, live_id, "schedule", at_ms, at_ms)
                for guest_id in connection.scalars(wanted)
            ]
            post_notices(connection, new)
