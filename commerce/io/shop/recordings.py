"""Recordings and clips in the record; the media itself is in the blob store."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from commerce.catalogue.recordings import Clip, Recording
from commerce.errors import NotFound
from commerce.io.record.schema_recordings import clips, recordings
from commerce.io.shop.context import ShopContext

REPLAYS_MAX = 50  # of a room, listed


class Recordings:
    """Notes recordings, and finds, cuts and edits their clips."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def begin(self, room_id: str, live_id: str, started_at_ms: int) -> bool:
        """Note that a live is recorded; False if it is noted already."""
        of_live = (recordings.c.room_id == room_id) & (recordings.c.live_id == live_id)
        async with self._shop.record.write() as connection:
            resumed = await connection.execute(
                update(recordings).where(of_live).values(ended_at_ms=None)
            )
            if resumed.rowcount:
                return False
            row = {
                "room_id": room_id,
                "live_id": live_id,
                "started_at_ms": started_at_ms,
                "ended_at_ms": None,
                "duration_ms": 0,
                "octets": 0,
            }
            await connection.execute(insert(recordings), row)
        return True

    async def end(self, room_id: str, live_id: str, *, duration_ms: int, octets: int) -> None:
        """Note that a recording is complete; one of nothing is forgotten."""
        of_live = (recordings.c.room_id == room_id) & (recordings.c.live_id == live_id)
        async with self._shop.record.write() as connection:
            if duration_ms == 0:
                await connection.execute(delete(recordings).where(of_live))
                return
            values = {
                "ended_at_ms": self._shop.clock(),
                "duration_ms": duration_ms,
                "octets": octets,
            }
            await connection.execute(update(recordings).where(of_live).values(values))

    async def all(self, *, unfinished: bool = False) -> list[Recording]:
        """Every recording, or those that may still grow."""
        query = select(recordings).order_by(recordings.c.started_at_ms)
        if unfinished:
            query = query.where(recordings.c.ended_at_ms.is_(None))
        async with self._shop.record.read() as connection:
            return [Recording(**row) for row in (await connection.execute(query)).mappings()]

    async def replays(self, room_id: str, limit: int = REPLAYS_MAX) -> list[Recording]:
        """What can be replayed of a room, newest first.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        query = (
            select(recordings)
            .where(recordings.c.room_id == room_id, recordings.c.ended_at_ms.is_not(None))
            .order_by(recordings.c.started_at_ms.desc())
            .limit(limit)
        )
        async with self._shop.record.read() as connection:
            return [Recording(**row) for row in (await connection.execute(query)).mappings()]

    async def find(self, room_id: str, live_id: str) -> Recording:
        """One recording.

        Raises:
            NotFound: There is none of this live.
        """
        of_live = (recordings.c.room_id == room_id) & (recordings.c.live_id == live_id)
        async with self._shop.record.read() as connection:
            rows = await connection.execute(select(recordings).where(of_live))
            row = rows.mappings().first()
        if row is None:
            raise NotFound("live", live_id)
        return Recording(**row)

    async def forget(self, room_id: str, live_id: str) -> None:
        """Delete a recording and its clips from the record; idempotent."""
        async with self._shop.record.write() as connection:
            for table in (clips, recordings):
                of_live = (table.c.room_id == room_id) & (table.c.live_id == live_id)
                await connection.execute(delete(table).where(of_live))

    # Clips

    async def add_clips(self, found: Sequence[Clip]) -> None:
        """Add clips that are not there yet; those that are stay as they are."""
        async with self._shop.record.write() as connection:
            ids = [clip.id for clip in found]
            known = set(await connection.scalars(select(clips.c.id).where(clips.c.id.in_(ids))))
            rows = [_row(clip) for clip in found if clip.id not in known]
            if rows:
                await connection.execute(insert(clips), rows)

    async def clips_of(self, room_id: str, live_id: str) -> list[Clip]:
        """The clips of a recording, hidden ones too, in the order of the live."""
        query = (
            select(clips)
            .where(clips.c.room_id == room_id, clips.c.live_id == live_id)
            .order_by(clips.c.start_ms, clips.c.id)
        )
        async with self._shop.record.read() as connection:
            return [_clip(row) for row in (await connection.execute(query)).mappings()]

    async def newest_clips(self, room_id: str) -> dict[str, Clip]:
        """The newest clip that is shown of each product of a room."""
        query = (
            select(clips)
            .where(clips.c.room_id == room_id, clips.c.hidden.is_(False))
            .order_by(clips.c.live_id, clips.c.start_ms)
        )
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return {row["product_id"]: _clip(row) for row in rows}

    async def clip(self, room_id: str, clip_id: str) -> Clip:
        """One clip.

        Raises:
            NotFound: There is none in this room.
        """
        query = select(clips).where(clips.c.id == clip_id, clips.c.room_id == room_id)
        async with self._shop.record.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound("clip", clip_id)
        return _clip(row)

    async def change_clip(self, clip: Clip) -> None:
        """Write a clip that exists."""
        async with self._shop.record.write() as connection:
            await connection.execute(
                update(clips).where(clips.c.id == clip.id).values(_changes(clip))
            )


def _changes(clip: Clip) -> dict[str, Any]:
    return {
        "title": clip.title,
        "hidden": clip.hidden,
        "edited": clip.edited,
        "start_ms": clip.start_ms,
        "end_ms": clip.end_ms,
    }


def _row(clip: Clip) -> dict[str, Any]:
    return {
        "id": clip.id,
        "room_id": clip.room_id,
        "live_id": clip.live_id,
        "product_id": clip.product_id,
        **_changes(clip),
    }


def _clip(row: RowMapping) -> Clip:
    return Clip(**row)
