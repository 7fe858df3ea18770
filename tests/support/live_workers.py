"""Workers that own lives, driven by hand in virtual time, on one record and one Redis in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import cast

from sqlalchemy.exc import OperationalError

from commerce.catalogue.values import Live, LiveState
from commerce.io.shop.lives import LiveRecord
from rooms.io.hub import RoomHub
from server.bridge.channels.live import LiveChanged
from server.bridge.lease import Lease, LeasesUnavailable, MemoryLeases
from server.bridge.lives import OwnedLives

ROOM = "demo"
GRACE_S = 30.0


class Died(Exception):
    """The worker is gone right after what it did last."""


class Record:
    """In place of the record of lives: one room; it cannot be reached `away` times."""

    def __init__(self, state: LiveState, away: int = 0) -> None:
        self.now = Live(ROOM, state, 1 if state is LiveState.LIVE else None)
        self.away = away
        self.refused = 0
        self.rehearsal = False
        self.last_step = ""
        self._owner = ""

    async def live(self, room_id: str) -> Live:
        """See `LiveRecord`."""
        self._reach()
        return self.now

    async def rehearses(self, room_id: str) -> bool:
        """See `Rehearsals.runs`."""
        self._reach()
        return self.rehearsal

    async def open_room(self) -> None:
        """See `Rehearsals.end`."""
        self._reach()
        self.rehearsal = False

    async def lives(self) -> list[Live]:
        """See `LiveRecord`."""
        self._reach()
        return [self.now]

    async def set_live(self, live: Live, owner: str) -> bool:
        """See `LiveRecord`."""
        self._reach()
        if (live.fence, owner) != (self.now.fence, self._owner) and live.fence <= self.now.fence:
            self.refused += 1
            return False
        over = live.state is LiveState.OVER
        self.now, self._owner = replace(live, announced=not over), owner
        self.dies_after("write")
        return True

    async def note_announced(self, live: Live, owner: str) -> None:
        """See `LiveRecord`."""
        self._reach()
        if (live.fence, owner) == (self.now.fence, self._owner):
            self.now = replace(self.now, announced=True)
        self.dies_after("note")

    def dies_after(self, step: str) -> None:
        """Raise if the worker is to die after this step: `write`, `announce` or `note`."""
        if self.last_step == step:
            self.last_step = ""
            raise Died

    def _reach(self) -> None:
        if self.away:
            self.away -= 1
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))


@dataclass
class Redis:
    """Leases and announcements of all workers; both can be away."""

    record: Record
    now: float = 100.0
    away: bool = False
    announced: list[LiveState] = field(default_factory=list)
    recorded: list[LiveState] = field(default_factory=list)  # when it was announced
    media_times: list[int | None] = field(default_factory=list)
    leases: MemoryLeases = field(init=False)

    def __post_init__(self) -> None:
        self.leases = Leases(self)

    async def announce(self, channel: str, event: LiveChanged) -> None:
        """See `RoomHub`."""
        self.reach()
        self.recorded.append(self.record.now.state)
        self.announced.append(LiveState(event.state))
        self.media_times.append(event.media_time)
        self.record.dies_after("announce")

    def reach(self) -> None:
        """Raise while Redis is away."""
        if self.away:
            raise LeasesUnavailable

    def empty(self) -> None:
        """Forget all leases and fences."""
        self.leases._leases.clear()
        self.leases._fences.clear()


class Leases(MemoryLeases):
    """Memory leases that are away when Redis is."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(lambda: redis.now)
        self._redis = redis

    async def take(self, room_id: str, owner: str, *, above: int) -> Lease:
        """See `LiveLeases`."""
        self._redis.reach()
        return await super().take(room_id, owner, above=above)

    async def holder(self, room_id: str) -> Lease | None:
        """See `LiveLeases`."""
        self._redis.reach()
        return await super().holder(room_id)


class DrivenLives(OwnedLives):
    """The lives of a worker that does its rounds when the test says so."""

    def __init__(
        self, redis: Redis, end_media: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        async def count(room_id: str) -> None:
            self.media_ended += 1

        record, hub = cast(LiveRecord, redis.record), cast(RoomHub, redis)
        super().__init__(
            record,
            hub,
            redis.leases,
            end_media or count,
            GRACE_S,
            media_time={ROOM: 7_000}.get,
            clock=lambda: redis.now,
            rehearses=redis.record.rehearses,
            set_private=lambda room_id, private: self.privacy.append(private),
        )
        self.media_ended = 0
        self.privacy: list[bool] = []

    async def rounds(self) -> None:
        """Do one round of `run`."""
        await self.renew()
        await self.settle()
        await self.check()
