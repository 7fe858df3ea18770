"""All rooms of one worker, composed of ticks, readers, outbox and tallies.

Open it with `RoomHub.open(redis, codecs, rules)` (or build it with other ports and `start` it),
announce with `announce`, close it with `close`. A connection gets its room from `open_room` (may
wait for Redis) or `room` (does not wait), then calls `subscribe`, and `unsubscribe` when it closes.
"""

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from redis.asyncio import Redis

from rooms.events import Event, PrivateEvent
from rooms.io.audience import Counts, MessageCodec, Subscriber
from rooms.io.local_room import LocalRoom, Watcher
from rooms.io.outbox import Outbox
from rooms.io.readers import READERS, Readers, Seed, stamped
from rooms.io.redis_bus import RedisRoomBus
from rooms.io.redis_log import RedisRoomLog
from rooms.io.tallies import Tallies
from rooms.io.ticks import Ticks
from rooms.io.timeouts import CALL_TIMEOUT_S, within
from rooms.log import Batch, LogUnavailable, Position, RoomBus, RoomLog
from rooms.messages import ChatLine, Purchase, You
from rooms.rules import ChannelRules

PING_S = 25
"""Every channel gets a message at least this often."""
KEEPALIVE_S = 20.0
POSITION_CHECK_S = 20.0
SWEEP_S = 0.25
IDLE_SWEEP_S = 1.0  # while there is no room
IDLE_ROOM_S = 30.0
OPEN_TIMEOUT_S = 5.0
CATCH_UP_TIMEOUT_S = 1.0

log = structlog.get_logger()

_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Subscription:
    """The first frame of a subscriber: the missed events if `recovered`, or else a snapshot."""

    recovered: bool
    frame: bytes


class RoomHub:
    """One per worker. Also the `BusListener` of its bus."""

    def __init__(
        self, log: RoomLog, bus: RoomBus, codecs: Sequence[MessageCodec], rules: ChannelRules
    ) -> None:
        self.counts = Counts()
        self.worker_id = uuid.uuid4().hex[:8]
        self.sweepers: list[Callable[[float], None]] = []
        self.seed: Seed | None = None  # set before the first viewer comes
        # Whether this worker is too busy for the lossy lane; set before the first viewer comes.
        self.overloaded: Callable[[], bool] = lambda: False
        self._log = log
        self._bus = bus
        self._codecs = codecs
        self._rules = rules
        self._decode_private = msgspec.msgpack.Decoder(rules.private_type).decode
        self._rooms: dict[str, LocalRoom] = {}
        self._users: dict[str, set[Subscriber]] = defaultdict(set)
        self._ticks = Ticks()
        self._outbox = Outbox(bus, self.counts, self.on_batch)
        self._tallies = Tallies(bus, self.counts, self._rooms, self.worker_id, self._on_news)
        self._readers = Readers(log, bus, self.counts, self._tallies, self._recorded, self._on_news)
        self._bus_ready = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, redis: Redis, codecs: Sequence[MessageCodec], rules: ChannelRules
    ) -> "RoomHub":
        """Return a running hub on Redis or Valkey; the caller closes it."""
        hub = cls(RedisRoomLog(redis, rules), RedisRoomBus(redis, rules), codecs, rules)
        await hub.start()
        return hub

    async def start(self) -> None:
        """Start ticking; returns once the bus is connected, or after a while without it."""
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
        """Stop, and take this worker's viewers out of the counts; idempotent."""
        if self._running is None:
            return
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        self._running = None
        with contextlib.suppress(LogUnavailable, TimeoutError):
            async with asyncio.timeout(CALL_TIMEOUT_S):
                for channel, local in self._rooms.items():
                    await self._tallies.withdraw(channel, local)

    # For the rest of the program

    async def announce(self, channel: str, *events: Event) -> Position:
        """Number `events`, keep them, and show them to everybody in `channel`.

        Raises:
            LogUnavailable: They may or may not have been appended; announcing again is right,
                since events carry whole values.
        """
        append = self._log.append
        position = await within(CALL_TIMEOUT_S, append(channel, stamped(events)))
        if position.offset == len(events):
            # The log is new, maybe since the old one was lost: append all that the record knows.
            if known := await self._recorded(channel):
                position = await within(CALL_TIMEOUT_S, append(channel, stamped(known)))
        return position

    async def send_private(self, *events: tuple[str, PrivateEvent]) -> None:
        """Show each event to all connections of its user, on all workers; not kept for the absent.

        Raises:
            LogUnavailable: They may or may not have been shown.
        """
        messages = [(user_id, _encoder.encode(event)) for user_id, event in events]
        await within(CALL_TIMEOUT_S, self._bus.send_private(messages))

    def viewers(self, channel: str) -> int:
        """Return how many watch a channel on all workers, as of a second ago.

        For a channel without viewers in this worker the first answer may be 0 and the next right.
        """
        return self._tallies.viewers(channel)

    async def watch(self, channel: str, watcher: Watcher) -> None:
        """Call `watcher` with a snapshot of `channel` now, and then with what viewers here get.

        Raises:
            LogUnavailable: It cannot be opened now.
        """
        local = await self.open_room(channel)
        local.watchers.append(watcher)
        watcher(local.snapshot())

    def unwatch(self, channel: str, watcher: Watcher) -> None:
        """End a watch; idempotent."""
        local = self._rooms.get(channel)
        if local is not None and watcher in local.watchers:
            local.watchers.remove(watcher)

    # Connections

    async def open_room(self, channel: str, since: Position | None = None) -> LocalRoom:
        """Return the open room, caught up with `since` if another worker has sent more.

        Raises:
            LogUnavailable: It cannot be opened now.
        """
        local = self.room(channel)
        if local is None:
            local = self._rooms.get(channel) or self._make(channel)
            await within(OPEN_TIMEOUT_S, local.wait_open())
        local.idle_since = time.monotonic()
        if since and since.epoch == local.room.position.epoch and local.room.is_behind(since):
            self._readers.request(local)
            with contextlib.suppress(LogUnavailable):
                await within(CATCH_UP_TIMEOUT_S, local.wait_flushed(since.offset))
        return local

    def room(self, channel: str) -> LocalRoom | None:
        """Return the room if it is open in this worker already."""
        local = self._rooms.get(channel)
        return local if local is not None and local.room.is_open else None

    def subscribe(
        self, local: LocalRoom, subscriber: Subscriber, since: Position | None
    ) -> Subscription:
        """Add a subscriber; its welcome and the returned frame must be written at once."""
        missed = local.room.recover(since) if since else None
        if missed is not None:
            self.counts.recovered_total += 1
            subscription = Subscription(True, self._codecs[subscriber.codec].frame(missed))
        else:
            self.counts.snapshots_total += 1
            subscription = Subscription(False, local.snapshot_frame(subscriber.codec))
        local.audience.add(subscriber)
        if subscriber.user_id:
            self._users[subscriber.user_id].add(subscriber)
        return subscription

    def unsubscribe(self, local: LocalRoom, subscriber: Subscriber) -> None:
        """Forget a connection that has closed or is closing; idempotent."""
        local.audience.remove(subscriber)
        local.idle_since = time.monotonic()
        user_id = subscriber.user_id
        if user_id and (subscribers := self._users.get(user_id)) is not None:
            subscribers.discard(subscriber)
            if not subscribers:
                del self._users[user_id]

    def publish_line(self, local: LocalRoom, line: ChatLine) -> None:
        """Send a chat line to everybody in the room, on all workers."""
        self._outbox.add_line(local.channel, line)

    def publish_join(self, local: LocalRoom, nickname: str) -> None:
        """Show the room that somebody joined."""
        self._outbox.add_join(local.channel, nickname)

    def publish_purchase(self, channel: str, order_id: str, purchase: Purchase) -> None:
        """Show the room that somebody bought; in a busy room most of them are only counted."""
        self._outbox.add_purchase(channel, order_id, purchase)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work`, which must handle its errors, until the hub closes."""
        if self._tasks is None or self._running is None:
            work.close()
        else:
            self._tasks.create_task(work)

    # From the bus

    def on_events(self, channel: str, epoch: str, events: tuple[Event, ...]) -> None:
        """See `BusListener`."""
        if (local := self._rooms.get(channel)) is not None:
            local.room.receive_events(epoch, events)
            self._on_news(local)

    def on_batch(self, channel: str, batch: Batch) -> None:
        """See `BusListener`."""
        if (local := self._rooms.get(channel)) is not None:
            now = asyncio.get_running_loop().time()
            local.room.receive_batch(batch, now=now)
            self._on_news(local)

    def on_private(self, user_id: str, message: bytes) -> None:
        """See `BusListener`."""
        subscribers = self._users.get(user_id)
        if not subscribers:
            return
        try:
            you = You(self._decode_private(message))
        except msgspec.DecodeError as error:
            log.warning("private event not decodable", error=str(error))
            return
        for subscriber in subscribers:
            subscriber.write(self._codecs[subscriber.codec].frame(you))

    def on_restored(self) -> None:
        """See `BusListener`."""
        self.counts.bus_restored_total += 1
        for local in self._rooms.values():
            self._readers.request(local)

    # Tasks

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._bus.run(self, self._bus_ready.set), name="room bus")
            self._tasks.create_task(self._ticks.run(), name="room ticks")
            self._tasks.create_task(self._outbox.run(), name="room outbox")
            self._tasks.create_task(self._tallies.run(), name="room tallies")
            self._tasks.create_task(self._sweep(), name="room sweep")
            for number in range(READERS):
                self._tasks.create_task(self._readers.run(), name=f"room reader {number}")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S if self._rooms else IDLE_SWEEP_S)
            now = time.monotonic()
            for sweep in self.sweepers:
                sweep(now)
            for local in list(self._rooms.values()):
                self._sweep_one(local, now)

    def _sweep_one(self, local: LocalRoom, now: float) -> None:
        local.audience.close_hopeless(now)
        if len(local.audience) or local.watchers:
            local.idle_since = now
        elif now - local.idle_since > IDLE_ROOM_S and not local.is_reading and not local.likes:
            del self._rooms[local.channel]
            self.spawn(self._forget(local.channel))
            return
        if local.room.needs_reading:
            self._readers.request(local)
        elif now - local.checked_at > POSITION_CHECK_S:
            local.checked_at = now
            self.spawn(self._readers.check_position(local))
        quiet = asyncio.get_running_loop().time() - local.flushed_at > KEEPALIVE_S
        if local.room.is_open and (quiet or local.audience.needs_settling):
            self._ticks.schedule(local)

    async def _forget(self, channel: str) -> None:
        if channel not in self._rooms:
            await self._bus.leave(channel)
        with contextlib.suppress(LogUnavailable):
            await self._tallies.withdraw(channel)

    # Between the parts

    def _make(self, channel: str) -> LocalRoom:
        local = LocalRoom(
            channel,
            self._codecs,
            self.counts,
            time.monotonic(),
            self._rules,
            lambda: self.overloaded(),
        )
        self._rooms[channel] = local
        self._readers.request(local)
        return local

    async def _recorded(self, channel: str) -> Sequence[Event]:
        """Return the events that add up to `channel` as the record knows it."""
        return await self.seed(channel) if self.seed is not None else ()

    def _on_news(self, local: LocalRoom) -> None:
        """Act on what a room has received: read its log after a gap, or send a tick."""
        if local.room.needs_reading:
            self._readers.request(local)
        if local.room.is_open and local.room.is_due:
            self._ticks.schedule(local)
