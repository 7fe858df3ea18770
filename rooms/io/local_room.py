"""One channel in one worker: its room, its audience, and the frames made of one for the other."""

import asyncio
from collections.abc import Callable, Sequence

from rooms.io.audience import Audience, Counts, MessageCodec
from rooms.messages import ChatLine, Counters, Tick
from rooms.rates import Pace
from rooms.room import ChannelReplica, Flushed
from rooms.rules import ChannelRules
from rooms.state import Snapshot, WithChat

# Gets each tick as viewers do; a snapshot replaces all that came before. Never raises.
Watcher = Callable[[Snapshot | Tick], None]

TICK_S = 0.1
"""No tick with something to say waits longer after the one before."""
# Of events and chat as many on average, after a quiet time the first ones at once.
TICKS_PER_S, TICKS_BURST = 11, 4
TICK_S_MIN = 0.01
URGENT_S = 0.02
"""Least time between two ticks when something urgent waits."""


class LocalRoom:
    """A `ChannelReplica` with the subscribers of this worker. `RoomHub` drives it."""

    def __init__(
        self,
        channel: str,
        codecs: Sequence[MessageCodec],
        counts: Counts,
        now: float,
        rules: ChannelRules,
        sheds_chat: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sheds_chat` says whether this worker is too busy for the lossy lane."""
        self.channel = channel
        self.room = ChannelReplica(channel, rules)
        self.audience = Audience(len(codecs), counts)
        self.watchers: list[Watcher] = []
        self.counters = Counters()
        self.likes = 0  # not reported yet
        self.reporting = asyncio.Lock()  # of this room to Redis
        self.is_subscribed = False  # on the bus
        self.is_reading = False  # the log is to be read, or being read
        self.idle_since = now
        self.checked_at = now
        self.flushed_at = float("-inf")
        self._pace = Pace(1 / TICKS_PER_S, TICKS_BURST, TICK_S_MIN)
        self._codecs = codecs
        self._counts = counts
        self._sheds_chat = sheds_chat
        self._snapshots: dict[int, bytes] = {}
        self._opened = asyncio.Event()
        self._flushed = asyncio.Event()

    @property
    def due_at(self) -> float:
        """When the next tick may go out (loop time)."""
        if self.room.urgent:
            return self.flushed_at + URGENT_S
        due_at = self.flushed_at + TICK_S
        # A worker that is too busy for chat is so for more ticks, too.
        if not self.room.has_news or self._sheds_chat():
            return due_at
        return min(due_at, max(self._pace.due_at, self.flushed_at + TICK_S_MIN))

    async def wait_open(self) -> None:
        """Return once subscribers can be added."""
        await self._opened.wait()

    async def wait_flushed(self, offset: int) -> None:
        """Return once subscribers here have been sent the event numbered `offset`."""
        while self.room.position.offset < offset:
            await self._flushed.wait()

    def open(self, now: float) -> None:
        """Let subscribers in; the state includes all that was received before."""
        while self.room.is_due:
            self.room.flush(now)
        self._opened.set()

    def snapshot(self) -> Snapshot:
        """Return the snapshot as of the last flush."""
        epoch, offset = self.room.position
        return Snapshot(epoch, offset, self.room.state)

    def snapshot_frame(self, codec: int) -> bytes:
        """Return the snapshot as of the last flush, encoded once per flush and codec."""
        frame = self._snapshots.get(codec)
        if frame is None:
            frame = self._snapshots[codec] = self._codecs[codec].frame(self.snapshot())
        return frame

    @property
    def since_ms(self) -> int:
        """Since when likes are counted, as viewers here know it; 0 while nothing has begun."""
        state = self.room.state
        return (state.since_ms or 0) if isinstance(state, WithChat) else 0

    async def flush(self, now: float) -> None:
        """Send the next tick to all subscribers here."""
        self.audience.settle(now, self.snapshot_frame)
        self.flushed_at = now
        if self.room.has_news:
            self._pace.on_sent(now)
        flushed = self.room.flush(now, sheds_chat=self._sheds_chat())
        self._snapshots.clear()
        self._flushed.set()
        self._flushed.clear()
        for watch in self.watchers:
            watch(flushed.tick if flushed is not None else self.snapshot())
        if len(self.audience) == 0:
            return
        self._counts.ticks_total += 1
        if flushed is None:
            await self.audience.broadcast(self.snapshot_frame, self.snapshot_frame)
        else:
            await self._broadcast(flushed)

    async def _broadcast(self, flushed: Flushed) -> None:
        tick = flushed.tick
        full: dict[int, bytes] = {}
        thin: dict[int, bytes] = {}

        def full_frame(codec: int) -> bytes:
            if codec not in full:
                full[codec] = self._codecs[codec].frame(tick)
            return full[codec]

        def thin_frame(codec: int) -> bytes:
            if codec not in thin:
                events_only = Tick(epoch=tick.epoch, offset=tick.offset, events=tick.events)
                thin[codec] = self._codecs[codec].frame(events_only)
            return thin[codec]

        await self.audience.broadcast(full_frame, thin_frame if tick.events else None)
        if flushed.dropped:
            self._echo(flushed.dropped, tick)

    def _echo(self, lines: tuple[ChatLine, ...], tick: Tick) -> None:
        """Send guests their own lines that were dropped for all others."""
        own: dict[str, list[ChatLine]] = {}
        for line in lines:
            own.setdefault(line.id.rpartition("-")[0], []).append(line)
        self._counts.lossy_dropped_total += len(lines)
        for subscriber in self.audience.subscribers():
            if own_lines := own.get(subscriber.client):
                echo = Tick(epoch=tick.epoch, offset=tick.offset, chat=tuple(own_lines))
                subscriber.write(self._codecs[subscriber.codec].frame(echo))
