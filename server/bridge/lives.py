"""Keeps every room's live state true: what the media plane sees becomes what viewers see.

    scheduled → live ⇄ paused → over → live …

`paused` is a host whose media broke off and who has time to return; `over` ends this live, the
next publish starts another. Only the worker that holds the live's lease writes and announces its
state (see lease.py); the live of a worker that is gone is paused by another one, and ended when its
host has not come back, to any worker, within the grace time. The record knows whether the end of a
live was announced, too: whoever dies in between leaves that to another one.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.values import Live, LiveState
from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import end_if_stopping
from commerce.io.shop.lives import LiveRecord
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from rooms.io.hub import RoomHub
from server.bridge.channels.live import LiveChanged
from server.bridge.lease import (
    CHECKS_PER_TTL,
    RENEWALS_PER_TTL,
    AfterLoss,
    Lease,
    LiveLeases,
    Orphans,
    after_loss,
)

EVENTS_MAX = 10_000
RETRY_S = 1.0
RELEASE_TIMEOUT_S = 1.0
ON_AIR = (LiveState.LIVE, LiveState.PAUSED)
# Redis, the room log or the record is away for a moment.
UNAVAILABLE = (ConnectionError, OSError, RuntimeError, DBAPIError)

log = structlog.get_logger()


def _unfinished(live: Live) -> bool:
    """Whether a live needs an owner: until its room knows that it is over."""
    return live.state in ON_AIR or not live.announced


@dataclass(slots=True)
class OwnLive:
    """A live of this worker, and where it is to be brought."""

    lease: Lease
    wanted: LiveState
    started_at_ms: int | None
    flowing: bool  # the host sends media to this worker
    ends_at: float | None = None  # monotonic s; only of a live that was taken over
    announced: LiveState | None = None  # under this lease
    lost: bool = False  # the lease could not be renewed
    rehearsal: bool = False  # leased, and neither written nor announced


async def _never(room_id: str) -> bool:
    return False


class OwnedLives:
    """The lives that this worker owns.

    `on_media` notes media events on the loop's thread; `run` carries them out in order, and calls
    `renew`, `settle` and `check`. Those are apart so that leases are renewed while the record is
    away.
    """

    def __init__(
        self,
        record: LiveRecord,
        hub: RoomHub,
        leases: LiveLeases,
        end_media: Callable[[str], Awaitable[None]],
        grace_s: float,
        *,
        yield_media: Callable[[str], Awaitable[None]] | None = None,
        on_announced: Callable[[Live], None] = lambda live: None,
        worker_id: str = "",
        media_time: Callable[[str], int | None] = lambda room_id: None,
        rehearses: Callable[[str], Awaitable[bool]] = _never,
        set_private: Callable[[str, bool], None] = lambda room_id, private: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Of this start of the worker, never of another; others find the worker by it.
        self.owner = worker_id + secrets.token_hex(8)
        self._record = record
        self._hub = hub
        self._leases = leases
        self._end_media = end_media
        self._yield_media = yield_media or end_media  # another worker has the live
        self._on_announced = on_announced  # a live of this worker has another state
        self._media_time = media_time  # of what happens in a room now
        self._rehearses = rehearses
        # A live's media is a rehearsal, or no longer: nothing of it is shown then any more.
        self._set_private = set_private
        self._grace_s = grace_s
        self._clock = clock
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue(EVENTS_MAX)
        self._own: dict[str, OwnLive] = {}
        self._orphans = Orphans(leases.ttl_s)
        self._turn = asyncio.Lock()  # one change of `_own` at a time

    def on_air(self) -> dict[str, int]:
        """The rooms whose lives this worker has on air now, and when each began."""
        return {
            room_id: own.started_at_ms
            for room_id, own in self._own.items()
            if own.announced is LiveState.LIVE and own.started_at_ms is not None and not own.lost
        }

    def on_media(self, event: MediaEvent) -> None:
        """Note what happened; never blocks."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Carry out events and keep the leases, until cancelled."""
        async with self._released(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(RENEWALS_PER_TTL, self.renew), name="renew leases")
            tasks.create_task(self._every(RENEWALS_PER_TTL, self.settle), name="settle lives")
            tasks.create_task(self._every(CHECKS_PER_TTL, self.check), name="check leases")
            while True:
                await self._until_done(partial(self.apply, await self._events.get()))
                end_if_stopping()

    async def apply(self, event: MediaEvent) -> None:
        """Carry out one event; may be called again when it failed half-way."""
        async with self._turn:
            own = self._own.get(event.room_id)
            match event:
                case PublisherUp():
                    await self._host_is_here(event.room_id)
                case PublisherLost() if own and own.wanted is LiveState.LIVE:
                    own.flowing = False
                    own.wanted = LiveState.PAUSED
                    await self._announce(own)
                case PublisherGone() if own:
                    own.flowing = False
                    own.wanted = LiveState.OVER
                    await self._announce(own)

    async def renew(self) -> None:
        """Renew every lease, and note which are lost."""
        for own in list(self._own.values()):
            lease = own.lease
            if not await self._leases.renew(lease) and own.lease is lease:
                own.lost = True

    async def settle(self) -> None:
        """Regain or give up what was lost, end what is due, finish what failed half-way."""
        for room_id, own in list(self._own.items()):
            async with self._turn:
                if self._own.get(room_id) is not own:
                    continue  # it was given up meanwhile
                if own.ends_at is not None and self._clock() >= own.ends_at:
                    own.wanted = LiveState.OVER
                if own.rehearsal and not await self._rehearses(room_id):
                    # It ended by itself: what was private never goes on air by that.
                    own.wanted = LiveState.OVER
                    await self._end_media(room_id)
                # Those that are over go with their announcement; one that is here is not yet noted.
                over = own.wanted is LiveState.OVER
                if own.lost or over or own.wanted is not own.announced:
                    await self._announce(own)

    async def check(self) -> None:
        """Take over the lives whose owner is gone."""
        missing = [
            live.room_id
            for live in await self._record.lives()
            if _unfinished(live)
            and live.room_id not in self._own
            and await self._leases.holder(live.room_id) is None
        ]
        for room_id in self._orphans.checked(missing, now=self._clock()):
            async with self._turn:
                await self._take_over(room_id)

    async def end(self, room_id: str) -> None:
        """End the live of a room, whichever worker owns it.

        Raises:
            NotFound: There is no such room.
            LeasesUnavailable: Try again.
            LogUnavailable: It is over, and not announced yet; try again.
        """
        async with self._turn:
            live = await self._record.live(room_id)
            lease = await self._leases.take(room_id, self.owner, above=live.fence)
            rehearsal = await self._rehearses(room_id)
            own = OwnLive(
                lease, LiveState.OVER, live.started_at_ms, flowing=False, rehearsal=rehearsal
            )
            self._own[room_id] = own
            await self._end_media(room_id)
            await self._announce(own)

    async def end_rehearsal(self, room_id: str, open_room: Callable[[], Awaitable[None]]) -> None:
        """Open a room that rehearses; whoever publishes there to this worker is on air from now.

        Raises:
            LeasesUnavailable, LogUnavailable: It is open; what goes on is announced soon.
        """
        async with self._turn:
            own = self._own.get(room_id)
            if own is None or not own.rehearsal:
                await open_room()
                return
            # First: from the commit on every worker lets neighbours in.
            self._set_private(room_id, False)
            try:
                await open_room()
            except BaseException:
                self._set_private(room_id, True)
                raise
            own.rehearsal, own.announced = False, None
            own.started_at_ms = wall_clock()
            await self._announce(own)

    async def _host_is_here(self, room_id: str) -> None:
        before = await self._record.live(room_id)
        # The newest host has the live: it came to us, wherever the live was before.
        lease = await self._leases.take(room_id, self.owner, above=before.fence)
        rehearsal = await self._rehearses(room_id)
        self._set_private(room_id, rehearsal)
        started_at_ms = before.started_at_ms if before.state in ON_AIR else None
        if not rehearsal:
            started_at_ms = started_at_ms or wall_clock()
        self._own[room_id] = own = OwnLive(
            lease, LiveState.LIVE, started_at_ms, flowing=True, rehearsal=rehearsal
        )
        await self._announce(own)

    async def _take_over(self, room_id: str) -> None:
        live = await self._record.live(room_id)
        if room_id in self._own or not _unfinished(live):
            return
        lease = await self._leases.claim(room_id, self.owner, above=live.fence)
        if lease is None:
            return
        log.info("live of a worker that is gone", room=room_id, state=live.state.value)
        over = live.state is LiveState.OVER
        self._own[room_id] = own = OwnLive(
            lease,
            LiveState.OVER if over else LiveState.PAUSED,
            live.started_at_ms,
            flowing=False,
            ends_at=self._clock() + self._grace_s,
        )
        await self._announce(own)

    async def _announce(self, own: OwnLive) -> None:
        """Write and announce what is wanted, if the lease still runs or can be had again."""
        while not await self._announced(own):
            if not await self._regained(own):
                return

    async def _announced(self, own: OwnLive) -> bool:
        """Bring the live to where it is wanted; False if the lease was lost."""
        lease, state = own.lease, own.wanted
        if state is not own.announced and not own.rehearsal:
            live = Live(lease.room_id, state, own.started_at_ms, lease.fence)
            if not await self._record.set_live(live, lease.owner):
                return False
        if not await self._leases.renew(lease):
            return False
        own.lost = False
        if own.rehearsal:
            own.announced = state
        elif state is not own.announced:
            event = LiveChanged(
                state=state.value,
                started_at_ms=own.started_at_ms,
                media_time=self._media_time(lease.room_id),
            )
            await self._hub.announce(f"room:{lease.room_id}", event)
            own.announced = state
            self._on_announced(Live(lease.room_id, state, own.started_at_ms, lease.fence))
            log.info("live", room=lease.room_id, state=state.value)
        if state is LiveState.OVER:
            if not own.rehearsal:
                live = Live(lease.room_id, state, own.started_at_ms, lease.fence)
                await self._record.note_announced(live, lease.owner)
            del self._own[lease.room_id]
            await self._leases.release(lease)
        return True

    async def _regained(self, own: OwnLive) -> bool:
        """After the loss of its lease: whether this worker has the live again."""
        room_id = own.lease.room_id
        live = await self._record.live(room_id)
        holder = await self._leases.holder(room_id)
        after = after_loss(own.lease, holder, live, flowing=own.flowing)
        if own.rehearsal and holder is not None:
            after = AfterLoss.YIELD  # its new owner writes nothing by which this one would see it
        match after:
            case AfterLoss.CLAIM:
                lease = await self._leases.claim(room_id, self.owner, above=live.fence)
            case AfterLoss.TAKE:
                lease = await self._leases.take(room_id, self.owner, above=live.fence)
            case AfterLoss.WAIT:
                lease = None
            case AfterLoss.YIELD:
                log.info("live went to another worker", room=room_id, state=live.state.value)
                del self._own[room_id]
                await self._yield_media(room_id)
                return False
        if lease is None:
            own.lost = True
            return False
        own.lease, own.announced = lease, None
        return True

    async def _every(self, per_ttl: int, round: Callable[[], Awaitable[None]]) -> None:
        while True:
            end_if_stopping()
            await asyncio.sleep(self._leases.ttl_s / per_ttl)
            try:
                await round()
            except UNAVAILABLE as error:
                log.warning("leases of lives are not kept for now", why=type(error).__name__)

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
                return
            except UNAVAILABLE as error:
                log.warning("a live's state is not written yet", why=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    @asynccontextmanager
    async def _released(self) -> AsyncIterator[None]:
        """Let other workers have the lives at once when this one stops."""
        try:
            yield
        finally:
            with suppress(*UNAVAILABLE, TimeoutError):
                async with asyncio.timeout(RELEASE_TIMEOUT_S):
                    for own in self._own.values():
                        await self._leases.release(own.lease)
