"""Has the lives of this worker recorded, with what happened in their rooms, and cuts their clips.

A clip is cut when its moment is over, from key frame to key frame; all moments are looked at once
more when the live ends, and after a crash when the worker starts again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.recordings import Clip, Moment, clip_id_of, expired, live_id_of
from commerce.catalogue.values import Live, LiveState
from commerce.io.commerce import Commerce
from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import end_if_stopping
from media.errors import BlobsAway, NoSuchBlob, NotLive
from media.io.recording.road import RecordingRoad
from media.recording.index import Index
from rooms.io.hub import RoomHub
from rooms.messages import Tick
from rooms.state import Snapshot
from server.bridge.channels.cards import CardPinned, CardUnpinned
from server.bridge.timeline import Removed, explain_line, line_of, moments_of, timeline

RETENTION_EVERY_S = 3_600.0
RETRY_S = 2.0
GIB = 1 << 30
# Redis, the record or the blob store is away for a moment.
UNAVAILABLE = (ConnectionError, OSError, RuntimeError, DBAPIError, BlobsAway)

log = structlog.get_logger()


class LiveRecorder:
    """`on_announced` notes where lives stand; `run` does the rest."""

    def __init__(self, road: RecordingRoad, hub: RoomHub, commerce: Commerce) -> None:
        self._road = road
        self._hub = hub
        self._commerce = commerce
        self._shelf = commerce.recordings
        self._announced: asyncio.Queue[Live] = asyncio.Queue()
        self._watched: dict[tuple[str, str], Callable[[Snapshot | Tick], None]] = {}
        self._newest: dict[str, str] = {}  # room → live
        self._cuts: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def on_announced(self, live: Live) -> None:
        """A live of this worker changed its state; never blocks."""
        self._announced.put_nowait(live)

    async def run(self) -> None:
        """Record, cut and delete, until cancelled."""
        await self._until_done(self._recover)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._retain(), name="retention of recordings")
            tasks.create_task(self._cut_clips(), name="clips")
            while True:
                await self._until_done(partial(self._apply, await self._announced.get()))
                end_if_stopping()

    def explain(self, room_id: str, product_id: str | None) -> bool:
        """The host begins or (None) ends an explanation; False: nothing is recorded."""
        live_id = self._newest.get(room_id, "")
        recording = self._road.find(room_id, live_id)
        if recording is None:
            return False
        recording.note(explain_line(wall_clock(), product_id))
        self._cuts.put_nowait((room_id, live_id))
        return True

    async def timeline(self, room_id: str, live_id: str, index: Index) -> bytes:
        """Return what a replay shows, as JSON.

        Raises:
            BlobsAway: Try again later.
        """
        text = await self._road.events(room_id, live_id)
        removed = Removed(*await self._commerce.moderation.lines.removed(room_id))
        return await asyncio.to_thread(timeline, text, index, removed)

    # Lives

    async def _apply(self, live: Live) -> None:
        brand = self._commerce.catalogue.brand_of("room", live.room_id)
        if live.started_at_ms is None:
            return
        key = live.room_id, live_id_of(live.started_at_ms)
        if live.state is LiveState.OVER:
            await self._finish(*key)
        elif live.state is LiveState.LIVE and brand is not None and brand.recording_days > 0:
            await self._start(*key, live.started_at_ms)

    async def _start(self, room_id: str, live_id: str, started_at_ms: int) -> None:
        is_new = await self._shelf.begin(room_id, live_id, started_at_ms)
        try:
            recording = await self._road.start(room_id, live_id, resumes=not is_new)
        except NotLive:
            return  # it comes again, or is over
        self._newest[room_id] = live_id
        if (room_id, live_id) in self._watched:
            return

        def watch(message: Snapshot | Tick) -> None:
            line = line_of(wall_clock(), message)
            if line is not None:
                recording.note(line)
            if isinstance(message, Tick) and any(
                isinstance(event, CardPinned | CardUnpinned) for event in message.events
            ):
                self._cuts.put_nowait((room_id, live_id))

        await self._hub.watch(f"room:{room_id}", watch)
        self._watched[room_id, live_id] = watch

    async def _finish(self, room_id: str, live_id: str) -> None:
        watch = self._watched.pop((room_id, live_id), None)
        if watch is not None:
            self._hub.unwatch(f"room:{room_id}", watch)
        index = await self._road.finish(room_id, live_id)
        if index is not None:
            await self._complete(room_id, live_id, index)

    async def _complete(self, room_id: str, live_id: str, index: Index) -> None:
        await self._cut(room_id, live_id, index, index.end_at_ms)
        duration_ms = round(index.duration_s * 1_000)
        await self._shelf.end(room_id, live_id, duration_ms=duration_ms, octets=index.octets)
        log.info("recorded", room=room_id, live=live_id, seconds=round(index.duration_s))

    async def _recover(self) -> None:
        """Complete what earlier runs left, but for lives that still are on air."""
        on_air = {
            (live.room_id, live_id_of(live.started_at_ms))
            for live in await self._commerce.lives.lives()
            if live.state in (LiveState.LIVE, LiveState.PAUSED) and live.started_at_ms
        }
        recovered = await self._road.recover()
        for key in recovered:
            if key not in on_air:
                await self._finish(*key)
        for row in await self._shelf.all(unfinished=True):
            key = row.room_id, row.live_id
            if key in on_air or key in recovered:
                continue
            try:
                index = await self._road.index(*key)
            except NoSuchBlob:
                index = Index()
            await self._complete(*key, index)

    # Clips

    async def _cut_clips(self) -> None:
        while True:
            end_if_stopping()
            key = await self._cuts.get()
            try:
                await self._cut(*key, await self._road.index(*key), None)
            except (*UNAVAILABLE, NoSuchBlob) as error:
                # They are looked at again when the live ends.
                log.warning("clips not cut yet", live=key[1], why=type(error).__name__)

    async def _cut(self, room_id: str, live_id: str, index: Index, end_at_ms: int | None) -> None:
        text = await self._road.events(room_id, live_id)
        moments = await asyncio.to_thread(moments_of, text, end_at_ms)
        known = self._commerce.catalogue.products
        clips = [
            clip
            for moment in moments
            if moment.product_id in known
            and (clip := _clip(room_id, live_id, moment, index)) is not None
        ]
        if clips:
            await self._shelf.add_clips(clips)

    # Retention

    async def _retain(self) -> None:
        while True:
            try:
                await self._delete_expired()
            except UNAVAILABLE as error:
                log.warning("recordings not deleted yet", why=type(error).__name__)
            end_if_stopping()
            await asyncio.sleep(RETENTION_EVERY_S)

    async def _delete_expired(self) -> None:
        catalogue = self._commerce.catalogue
        recorded = await self._shelf.all()
        at_ms = wall_clock()
        gone = [
            each
            for brand in catalogue.brands.values()
            for each in expired(
                [one for one in recorded if catalogue.brand_id("room", one.room_id) == brand.id],
                days=brand.recording_days,
                octets_max=brand.recording_gib * GIB,
                at_ms=at_ms,
            )
        ]
        for each in gone:
            if self._road.find(each.room_id, each.live_id) is None:
                await self._road.delete(each.room_id, each.live_id)
                await self._shelf.forget(each.room_id, each.live_id)
                log.info("recording deleted", room=each.room_id, live=each.live_id)

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
                return
            except UNAVAILABLE as error:
                log.warning("a recording waits", why=type(error).__name__)
                await asyncio.sleep(RETRY_S)


def _clip(room_id: str, live_id: str, moment: Moment, index: Index) -> Clip | None:
    """A clip of what was recorded of a moment, if anything was."""
    start_s = index.position_s(moment.start_at_ms, moment.media_time)
    end_s = index.position_s(moment.end_at_ms)
    if end_s - start_s < 1:
        return None
    return Clip(
        clip_id_of(room_id, live_id, moment),
        room_id,
        live_id,
        moment.product_id,
        None,
        False,
        False,
        round(start_s * 1_000),
        round(end_s * 1_000),
    )
