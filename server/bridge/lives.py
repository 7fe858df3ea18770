"""Keeps every room's live state true: what the media plane sees becomes what viewers are told.

    scheduled → live ⇄ paused → over → live …

`paused` is a host whose stream broke off and who has time to return; `over` ends this live, the
next publish starts another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.values import LiveState
from commerce.io.record.engine import wall_clock
from commerce.io.shop.directory import Directory
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from rooms.events import LiveChanged
from rooms.io.hub import RoomHub

EVENTS_MAX = 10_000
RETRY_S = 1.0
ON_AIR = (LiveState.LIVE, LiveState.PAUSED)

log = structlog.get_logger()


class Lives:
    """`hear` media events on the loop's thread; `run` carries them out in order."""

    def __init__(self, directory: Directory, hub: RoomHub, grace_s: float) -> None:
        self._directory = directory
        self._hub = hub
        self._grace_s = grace_s
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue(EVENTS_MAX)
        self._here: set[str] = set()  # rooms whose host publishes to this process

    def hear(self, event: MediaEvent) -> None:
        """Note what happened; never blocks."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Carry out what was heard, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            orphaned = self._until_done(self._end_the_orphaned)
            tasks.create_task(orphaned, name="lives of a last run")
            while True:
                await self._until_done(partial(self._apply, await self._events.get()))

    async def _until_done(self, tell: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await tell()
                return
            except (ConnectionError, OSError, RuntimeError, DBAPIError) as error:
                log.warning("a live could not be told, trying again", why=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _apply(self, event: MediaEvent) -> None:
        before = await self._directory.live(event.room_id)
        match event:
            case PublisherUp():
                self._here.add(event.room_id)
                started = before.started_at_ms if before.state in ON_AIR else None
                await self._set(event.room_id, LiveState.LIVE, started or wall_clock())
            case PublisherLost() if before.state is LiveState.LIVE:
                await self._set(event.room_id, LiveState.PAUSED, before.started_at_ms)
            case PublisherGone():
                self._here.discard(event.room_id)
                if before.state in ON_AIR:
                    await self._set(event.room_id, LiveState.OVER, before.started_at_ms)

    async def _set(self, room_id: str, state: LiveState, started_at_ms: int | None) -> None:
        await self._directory.set_live(room_id, state, started_at_ms)
        await self._hub.announce(
            f"room:{room_id}", LiveChanged(state=state.value, started_at_ms=started_at_ms)
        )
        log.info("live", room=room_id, state=state.value)

    async def _end_the_orphaned(self) -> None:
        """Give hosts of a run that was killed the grace time, then say that their live is over."""
        lives = await self._directory.lives()
        on_air = [live for live in lives if live.state in ON_AIR and live.room_id not in self._here]
        for live in on_air:
            await self._set(live.room_id, LiveState.PAUSED, live.started_at_ms)
        await asyncio.sleep(self._grace_s)
        for live in on_air:
            now = await self._directory.live(live.room_id)
            if live.room_id not in self._here and now.state is LiveState.PAUSED:
                await self._set(live.room_id, LiveState.OVER, now.started_at_ms)
