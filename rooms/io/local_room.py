"""One channel in one process: its room, its audience, and what waits to be sent from here."""

import asyncio
from collections.abc import Callable, Sequence

from rooms.io.audience import Audience, Codec, Counts
from rooms.log import Batch
from rooms.messages import ChatLine, Counters, Tick
from rooms.room import JOINS_PER_TICK_MAX, Flushed, Room
from rooms.state import Snapshot

TICK_S = 0.1
URGENT_S = 0.02
"""Least time between two ticks when something urgent waits."""
SAID_LINES_MAX = 200
"""Lines of this process that wait to be handed round; beyond, the oldest are lost."""


class LocalRoom:
    """A `Room` with the viewers of this process. `RoomHub` drives it."""

    def __init__(
        self,
        channel: str,
        codecs: Sequence[Codec],
        counts: Counts,
        now: float,
        spares: Callable[[], bool] = lambda: False,
    ) -> None:
        """`spares` says whether this process is too busy for the lossy lane."""
        self.channel = channel
        self.room = Room(channel)
        self.audience = Audience(len(codecs), counts)
        self.counters = Counters()
        self.likes = 0  # not reported yet
        self.is_heard = False  # on the bus
        self.is_asked = False  # the log is to be read, or being read
        self.idle_since = now
        self.checked_at = now
        self.flushed_at = float("-inf")
        self._codecs = codecs
        self._counts = counts
        self._spares = spares
        self._snapshots: dict[int, bytes] = {}
        self._chat: list[ChatLine] = []
        self._joins: list[str] = []
        self._opened = asyncio.Event()
        self._flushed = asyncio.Event()

    @property
    def due_at(self) -> float:
        """When the next tick may go out (loop time)."""
        return self.flushed_at + (URGENT_S if self.room.urgent else TICK_S)

    async def wait_open(self) -> None:
        """Return once viewers can be admitted."""
        await self._opened.wait()

    async def wait_flushed(self, offset: int) -> None:
        """Return once viewers here have heard the event numbered `offset`."""
        while self.room.position.offset < offset:
            await self._flushed.wait()

    def has_opened(self, now: float) -> None:
        """Let viewers in; what was heard before there were any is no news."""
        while self.room.is_due:
            self.room.flush(now)
        self._opened.set()

    def snapshot_frame(self, codec: int) -> bytes:
        """Return the snapshot as of the last flush, encoded once per flush and codec."""
        frame = self._snapshots.get(codec)
        if frame is None:
            epoch, offset = self.room.position
            snapshot = Snapshot(epoch, offset, self.room.state)
            frame = self._snapshots[codec] = self._codecs[codec].frame(snapshot)
        return frame

    async def flush(self, now: float) -> None:
        """Send the next tick to everybody here."""
        self.audience.settle(now, self.snapshot_frame)
        self.flushed_at = now
        flushed = self.room.flush(now, spare=self._spares())
        self._snapshots.clear()
        self._flushed.set()
        self._flushed.clear()
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
        if flushed.left_out:
            self._echo(flushed.left_out, tick)

    def _echo(self, lines: tuple[ChatLine, ...], tick: Tick) -> None:
        """Show guests their own lines that were left out for all others."""
        own: dict[str, list[ChatLine]] = {}
        for line in lines:
            own.setdefault(line.id.rpartition("-")[0], []).append(line)
        self._counts.lossy_dropped_total += len(lines)
        for seat in self.audience.seats():
            if said := own.get(seat.client):
                echo = Tick(epoch=tick.epoch, offset=tick.offset, chat=tuple(said))
                seat.write(self._codecs[seat.codec].frame(echo))

    # Said by viewers of this process

    def say(self, line: ChatLine) -> None:
        """Put a line into the next batch."""
        self._chat.append(line)
        del self._chat[:-SAID_LINES_MAX]

    def came(self, nickname: str) -> bool:
        """Put a name into the next batch, unless there are enough."""
        if len(self._joins) >= JOINS_PER_TICK_MAX:
            return False
        self._joins.append(nickname)
        return True

    def take_said(self) -> Batch:
        """Return what is to be handed round, and forget it."""
        batch = Batch(tuple(self._chat), tuple(self._joins))
        self._chat.clear()
        self._joins.clear()
        return batch
