"""All rooms of one process: local viewers, the tick, and what links them to log and bus.

Open it with `RoomHub.open(redis, codecs)` (or build it with other ports and `start` it), announce
with `announce`, close it with `close`. Connections come in by `enter` (may wait for Redis) and
`admit` (does not wait), leave by `leave`.
"""

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog
from redis.asyncio import Redis

from rooms.events import ChannelEvent, PrivateEvent
from rooms.io.audience import Codec, Counts, Seat
from rooms.io.local_room import LocalRoom
from rooms.io.redis_bus import RedisRoomBus
from rooms.io.redis_log import RedisRoomLog
from rooms.log import Batch, LogUnavailable, Position, RoomBus, RoomLog
from rooms.messages import ChatLine, Counters, You

PING_S = 25
"""Every channel hears something at least this often."""
KEEPALIVE_S = 20.0
POSITION_CHECK_S = 20.0
TALLY_S = 1.0
OUTBOX_S = 0.05
SWEEP_S = 0.25
IDLE_ROOM_S = 30.0
OPEN_TIMEOUT_S = 5.0
AHEAD_TIMEOUT_S = 1.0
CALL_TIMEOUT_S = 3.0
READERS = 4
TALLIES_AT_ONCE = 16
INTEREST_S = 60.0
"""How long viewers of a room without local viewers are counted after somebody asked."""

T = TypeVar("T")

Seed = Callable[[str], Awaitable[Sequence[ChannelEvent]]]
"""Says which events add up to a channel as the record knows it; may fail with LogUnavailable."""

log = structlog.get_logger()

_encoder = msgspec.msgpack.Encoder()
_you_decoder = msgspec.msgpack.Decoder(PrivateEvent)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a newcomer is told: the missed tick, or a snapshot."""

    recovered: bool
    frame: bytes


class RoomHub:
    """One per process. Also the `BusListener` of its bus."""

    def __init__(self, log: RoomLog, bus: RoomBus, codecs: Sequence[Codec]) -> None:
        self.counts = Counts()
        self.process = uuid.uuid4().hex[:8]
        self.sweepers: list[Callable[[float], None]] = []
        self.seed: Seed | None = None  # set before the first viewer comes
        # Whether this process is too busy for the lossy lane; set before the first viewer comes.
        self.overloaded: Callable[[], bool] = lambda: False
        self._log = log
        self._bus = bus
        self._codecs = codecs
        self._rooms: dict[str, LocalRoom] = {}
        self._users: dict[str, set[Seat]] = defaultdict(set)
        self._interest: dict[str, tuple[float, Counters]] = {}
        self._due: dict[str, LocalRoom] = {}
        self._due_changed = asyncio.Event()
        self._said: dict[str, LocalRoom] = {}
        self._said_changed = asyncio.Event()
        self._to_read: asyncio.Queue[LocalRoom] = asyncio.Queue()
        self._bus_ready = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, redis: Redis, codecs: Sequence[Codec]) -> "RoomHub":
        """Return a running hub on Redis or Valkey; the caller closes it."""
        hub = cls(RedisRoomLog(redis), RedisRoomBus(redis), codecs)
        await hub.start()
        return hub

    async def start(self) -> None:
        """Start ticking; returns once the bus is heard, or after a while without it."""
        self._running = asyncio.create_task(self._run(), name="room hub")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._bus_ready.wait()

    async def wait(self) -> None:
        """Return when the hub was closed; raise what it died of, which is a bug."""
        assert self._running is not None, "start first"
        await asyncio.wait([self._running])
        if not self._running.cancelled():
            self._running.result()

    async def close(self) -> None:
        """Stop, and take this process's viewers out of the counts; idempotent."""
        if self._running is None:
            return
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        self._running = None
        with contextlib.suppress(LogUnavailable, TimeoutError):
            async with asyncio.timeout(CALL_TIMEOUT_S):
                for channel, local in self._rooms.items():
                    await self._bus.tally(channel, self.process, 0, local.likes)

    # What the rest of the program says

    async def announce(self, channel: str, *events: ChannelEvent) -> Position:
        """Number `events`, keep them, and show them to everybody in `channel`.

        Raises:
            LogUnavailable: They may or may not have been appended; announcing again is right,
                since events carry whole values.
        """
        append = self._log.append
        position = await _within(CALL_TIMEOUT_S, append(channel, _stamped(events)))
        if position.offset == len(events) and self.seed is not None:
            # The log is new, maybe since the old one was lost: say all that the record knows.
            if known := await self.seed(channel):
                position = await _within(CALL_TIMEOUT_S, append(channel, _stamped(known)))
        return position

    async def tell(self, user_id: str, event: PrivateEvent) -> None:
        """Show `event` to all connections of one user, on all nodes; lost on those who are away.

        Raises:
            LogUnavailable: It may or may not have been shown.
        """
        await _within(CALL_TIMEOUT_S, self._bus.tell(user_id, _encoder.encode(event)))

    def viewers(self, room_id: str) -> int:
        """Return how many watch a room on all nodes, as of a second ago.

        For a room without viewers in this process the first answer may be 0 and the next right.
        """
        channel = f"room:{room_id}"
        local = self._rooms.get(channel)
        if local is not None and local.room.is_open:
            return local.counters.viewers
        known = self._interest.get(channel)
        counters = known[1] if known else Counters()
        self._interest[channel] = (time.monotonic() + INTEREST_S, counters)
        return counters.viewers

    # Connections

    async def enter(self, channel: str, since: Position | None = None) -> LocalRoom:
        """Return the open room for `admit`, brought up to `since` if another process saw more.

        Raises:
            LogUnavailable: It cannot be opened now.
        """
        local = self.opened(channel)
        if local is None:
            local = self._rooms.get(channel) or self._make(channel)
            await _within(OPEN_TIMEOUT_S, local.wait_open())
        local.idle_since = time.monotonic()
        if since and since.epoch == local.room.position.epoch and local.room.is_behind(since):
            self._ask_to_read(local)
            with contextlib.suppress(LogUnavailable):
                await _within(AHEAD_TIMEOUT_S, local.wait_flushed(since.offset))
        return local

    def opened(self, channel: str) -> LocalRoom | None:
        """Return the room if it is open in this process already."""
        local = self._rooms.get(channel)
        return local if local is not None and local.room.is_open else None

    def admit(self, local: LocalRoom, seat: Seat, since: Position | None) -> Admission:
        """Seat a newcomer; its welcome and the admission's frame must be written at once."""
        missed = local.room.recover(since) if since else None
        if missed is not None:
            self.counts.recovered_total += 1
            admission = Admission(True, self._codecs[seat.codec].frame(missed))
        else:
            self.counts.snapshots_total += 1
            admission = Admission(False, local.snapshot_frame(seat.codec))
        local.audience.add(seat)
        if seat.user_id:
            self._users[seat.user_id].add(seat)
        return admission

    def leave(self, local: LocalRoom, seat: Seat) -> None:
        """Forget a connection that has closed or is closing; idempotent."""
        local.audience.remove(seat)
        local.idle_since = time.monotonic()
        if seat.user_id and (seats := self._users.get(seat.user_id)) is not None:
            seats.discard(seat)
            if not seats:
                del self._users[seat.user_id]

    def say(self, local: LocalRoom, line: ChatLine) -> None:
        """Hand a chat line to everybody in the room, on all nodes."""
        local.say(line)
        self._has_said(local)

    def came(self, local: LocalRoom, nickname: str) -> None:
        """Let the room know that somebody came."""
        if local.came(nickname):
            self._has_said(local)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work`, which must handle its errors, until the hub closes."""
        if self._tasks is None or self._running is None:
            work.close()
        else:
            self._tasks.create_task(work)

    # What the bus carries

    def heard_events(self, channel: str, epoch: str, events: tuple[ChannelEvent, ...]) -> None:
        """See `BusListener`."""
        if (local := self._rooms.get(channel)) is not None:
            local.room.heard_events(epoch, events)
            self._has_news(local)

    def heard_batch(self, channel: str, batch: Batch) -> None:
        """See `BusListener`."""
        if (local := self._rooms.get(channel)) is not None:
            local.room.heard_batch(batch)
            self._has_news(local)

    def heard_private(self, user_id: str, message: bytes) -> None:
        """See `BusListener`."""
        seats = self._users.get(user_id)
        if not seats:
            return
        try:
            you = You(_you_decoder.decode(message))
        except msgspec.DecodeError as error:
            log.warning("private event not understood", error=str(error))
            return
        for seat in seats:
            seat.write(self._codecs[seat.codec].frame(you))

    def bus_restored(self) -> None:
        """See `BusListener`."""
        self.counts.bus_restored_total += 1
        for local in self._rooms.values():
            self._ask_to_read(local)

    # Work that never ends

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._bus.run(self, self._bus_ready.set), name="room bus")
            self._tasks.create_task(self._tick(), name="room ticks")
            self._tasks.create_task(self._hand_round(), name="room chat")
            self._tasks.create_task(self._tally(), name="room counts")
            self._tasks.create_task(self._sweep(), name="room sweep")
            for number in range(READERS):
                self._tasks.create_task(self._read_logs(), name=f"room reader {number}")

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._due_changed.clear()
            now = loop.time()
            for channel, local in list(self._due.items()):
                if local.due_at <= now:
                    self._due.pop(channel, None)
                    await local.flush(loop.time())
                    if local.room.is_due:
                        self._due[channel] = local
            timer = None
            if self._due:
                next_at = min(local.due_at for local in self._due.values())
                timer = loop.call_at(next_at, self._due_changed.set)
            await self._due_changed.wait()
            if timer is not None:
                timer.cancel()

    async def _hand_round(self) -> None:
        while True:
            await self._said_changed.wait()
            self._said_changed.clear()
            said, self._said = self._said, {}
            await asyncio.gather(*(self._hand_round_one(local) for local in said.values()))
            await asyncio.sleep(OUTBOX_S)

    async def _hand_round_one(self, local: LocalRoom) -> None:
        batch = local.take_said()
        try:
            await _within(CALL_TIMEOUT_S, self._bus.hand_round(local.channel, batch))
        except LogUnavailable:
            # Those in this process can still hear each other.
            self.counts.log_failures_total += 1
            self.heard_batch(local.channel, batch)

    async def _tally(self) -> None:
        while True:
            await asyncio.sleep(TALLY_S)
            now = time.monotonic()
            for channel in [c for c, (until, _) in self._interest.items() if until < now]:
                del self._interest[channel]
            channels = [*self._rooms, *(c for c in self._interest if c not in self._rooms)]
            for start in range(0, len(channels), TALLIES_AT_ONCE):
                part = channels[start : start + TALLIES_AT_ONCE]
                await asyncio.gather(*(self._tally_one(channel) for channel in part))

    async def _tally_one(self, channel: str) -> None:
        local = self._rooms.get(channel)
        viewers, likes = (len(local.audience), local.likes) if local else (0, 0)
        try:
            counters = await _within(
                CALL_TIMEOUT_S, self._bus.tally(channel, self.process, viewers, likes)
            )
        except LogUnavailable:
            self.counts.log_failures_total += 1
            return
        if local is not None:
            local.likes -= likes
            local.counters = counters
            local.room.heard_counters(counters)
            self._has_news(local)
        elif channel in self._interest:
            self._interest[channel] = (self._interest[channel][0], counters)

    async def _read_logs(self) -> None:
        while True:
            local = await self._to_read.get()
            try:
                await self._read_log(local)
            except LogUnavailable:
                self.counts.log_failures_total += 1
                local.room.needs_reading = True  # The sweep asks again.
            local.is_asked = False

    async def _read_log(self, local: LocalRoom) -> None:
        channel, room = local.channel, local.room
        if not local.is_heard:
            await _within(CALL_TIMEOUT_S, self._bus.join(channel))
            local.is_heard = True
        self.counts.log_readings_total += 1
        was_open = room.is_open
        room.reading_begins()
        reading = await _within(CALL_TIMEOUT_S, self._log.read(channel))
        if reading.position.offset == 0 and await self._has_begun(channel):
            reading = await _within(CALL_TIMEOUT_S, self._log.read(channel))
        chat = () if was_open else await _within(CALL_TIMEOUT_S, self._bus.recent_chat(channel))
        room.adopt(reading, chat)
        local.checked_at = time.monotonic()
        if not was_open:
            await self._tally_one(channel)
            local.has_opened(asyncio.get_running_loop().time())
        self._has_news(local)

    async def _has_begun(self, channel: str) -> bool:
        """Put into a new log what the record knows; its old one may have been lost."""
        events = await self.seed(channel) if self.seed is not None else ()
        if events:
            call = self._log.append(channel, _stamped(events), only_first=True)
            await _within(CALL_TIMEOUT_S, call)
        return bool(events)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            for sweep in self.sweepers:
                sweep(now)
            for local in list(self._rooms.values()):
                self._sweep_one(local, now)

    def _sweep_one(self, local: LocalRoom, now: float) -> None:
        local.audience.close_hopeless(now)
        if len(local.audience):
            local.idle_since = now
        elif now - local.idle_since > IDLE_ROOM_S and not local.is_asked and not local.likes:
            del self._rooms[local.channel]
            self.spawn(self._forget(local.channel))
            return
        if local.room.needs_reading:
            self._ask_to_read(local)
        elif now - local.checked_at > POSITION_CHECK_S:
            local.checked_at = now
            self.spawn(self._check_position(local))
        quiet = asyncio.get_running_loop().time() - local.flushed_at > KEEPALIVE_S
        if local.room.is_open and (quiet or local.audience.needs_settling):
            self._is_due(local)

    async def _check_position(self, local: LocalRoom) -> None:
        asked_at = local.room.tip
        try:
            position = await _within(CALL_TIMEOUT_S, self._log.position(local.channel))
        except LogUnavailable:
            self.counts.log_failures_total += 1
        else:
            local.room.heard_position(position, asked_at)

    async def _forget(self, channel: str) -> None:
        if channel not in self._rooms:
            await self._bus.leave(channel)
        with contextlib.suppress(LogUnavailable):
            await _within(CALL_TIMEOUT_S, self._bus.tally(channel, self.process, 0, 0))

    # Notes to the workers

    def _make(self, channel: str) -> LocalRoom:
        local = LocalRoom(
            channel, self._codecs, self.counts, time.monotonic(), lambda: self.overloaded()
        )
        self._rooms[channel] = local
        self._ask_to_read(local)
        return local

    def _ask_to_read(self, local: LocalRoom) -> None:
        if not local.is_asked:
            local.is_asked = True
            self._to_read.put_nowait(local)

    def _has_said(self, local: LocalRoom) -> None:
        self._said[local.channel] = local
        self._said_changed.set()

    def _has_news(self, local: LocalRoom) -> None:
        if local.room.needs_reading:
            self._ask_to_read(local)
        if local.room.is_open and local.room.is_due:
            self._is_due(local)

    def _is_due(self, local: LocalRoom) -> None:
        if local.channel not in self._due or local.room.urgent:
            self._due[local.channel] = local
            self._due_changed.set()


async def _within(seconds: float, call: Coroutine[None, None, T]) -> T:
    """Await `call`; a time-out is `LogUnavailable`, too."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise LogUnavailable("timeout") from error


def _stamped(events: Sequence[ChannelEvent]) -> list[ChannelEvent]:
    """Return the events with the time of now where they have none."""
    at_ms = time.time_ns() // 1_000_000
    return [
        event if event.at_ms else msgspec.structs.replace(event, at_ms=at_ms) for event in events
    ]
