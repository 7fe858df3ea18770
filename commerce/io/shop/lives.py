"""The state of every room's live in the record, written by the owner with the newest fence."""

import time

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from commerce.catalogue.values import Live, LiveState
from commerce.io.record.schema import lives
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.moderation.cohosts import dismiss_all
from commerce.io.shop.schedule.runs import note_run
from commerce.io.shop.schedule.schedule import note_begun

START_KNOWN_S = 5.0


class LiveRecord:
    """Reads and writes where lives stand."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop
        self._reread = shop.record.reread()
        self._known: dict[str, Live] = {}
        self._starts: dict[str, tuple[float, int]] = {}

    async def started_at_ms(self, room_id: str) -> int:
        """When the room's latest live began, 0 before the first; at most `START_KNOWN_S` old.

        For what happens with every order.

        Raises:
            NotFound: There is no such room.
        """
        now = time.monotonic()
        until, started_at_ms = self._starts.get(room_id, (0.0, 0))
        if until < now:
            started_at_ms = (await self.live(room_id)).started_at_ms or 0
            self._starts[room_id] = (now + START_KNOWN_S, started_at_ms)
        return started_at_ms

    async def lives(self) -> list[Live]:
        """The live of every room."""
        async with self._reread.needed() as needed:
            if needed:
                self._known = await self._shop.record.query(_lives)
        return [
            self._known.get(room_id, Live(room_id, LiveState.SCHEDULED, None))
            for room_id in self._shop.catalogue.rooms
        ]

    async def live(self, room_id: str) -> Live:
        """The live of one room.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            row = (
                (await connection.execute(select(lives).where(lives.c.room_id == room_id)))
                .mappings()
                .first()
            )
        if row is None:
            return Live(room_id, LiveState.SCHEDULED, None)
        return _live(row)

    async def set_live(self, live: Live, owner: str) -> bool:
        """Write where a live stands, as the owner whose fencing token is `live.fence`.

        False if an owner with a larger token wrote before: then nothing is changed. A live that is
        over counts as not announced until `note_announced`.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(live.room_id)
        self._starts.pop(live.room_id, None)
        values = {
            "state": live.state.value,
            "started_at_ms": live.started_at_ms,
            "fence": live.fence,
            "owner": owner,
            "announced": live.state is not LiveState.OVER,
        }
        mine = _written_by(live.fence, owner)
        of_room = lives.c.room_id == live.room_id
        async with self._shop.record.write() as connection:
            row = (await connection.execute(select(lives).where(of_room))).mappings().first()
            before = row and row["started_at_ms"]
            written = await connection.execute(
                update(lives).where(of_room, (lives.c.fence < live.fence) | mine).values(values)
            )
            if not written.rowcount:
                if await connection.scalar(select(lives.c.room_id).where(of_room)):
                    return False
                await connection.execute(insert(lives), {"room_id": live.room_id, **values})
            if live.started_at_ms is not None:
                over = live.state is LiveState.OVER
                await connection.run_sync(
                    lambda sync: note_run(
                        sync,
                        live.room_id,
                        live.started_at_ms or 0,
                        over=over,
                        at_ms=self._shop.clock(),
                    )
                )
            at_ms = self._shop.clock()
            await connection.run_sync(changed, live.room_id, Part.SHELF, at_ms)
            if live.state is LiveState.OVER and (not row or row["state"] != live.state.value):
                brand_id = self._shop.catalogue.brand_id("room", live.room_id)
                await connection.run_sync(dismiss_all, brand_id, live.room_id, at_ms)
            if before != live.started_at_ms:
                # Another live begins without the questions of the last.
                await connection.run_sync(changed, live.room_id, Part.QUESTIONS, at_ms)
                if live.started_at_ms is not None:
                    await connection.run_sync(note_begun, live.room_id, live.started_at_ms, at_ms)
        self._shop.on_commit()
        return True

    async def note_announced(self, live: Live, owner: str) -> None:
        """Its room knows that the live is over, as this owner wrote; idempotent.

        Until then any worker that finds it without a lease announces it again.
        """
        of_room = lives.c.room_id == live.room_id
        async with self._shop.record.write() as connection:
            await connection.execute(
                update(lives).where(of_room, _written_by(live.fence, owner)).values(announced=True)
            )


def _lives(connection: Connection) -> dict[str, Live]:
    return {row["room_id"]: _live(row) for row in connection.execute(select(lives)).mappings()}


def _live(row: RowMapping) -> Live:
    state = LiveState(row["state"])
    return Live(row["room_id"], state, row["started_at_ms"], row["fence"], row["announced"])


def _written_by(fence: int, owner: str) -> ColumnElement[bool]:
    # Fences that Redis gave before it was emptied may come again, hence the owner beside them.
    return (lives.c.fence == fence) & (lives.c.owner == owner)
