"""Ticks: when each room of this worker sends its next merged frame."""

import asyncio
from math import inf

from rooms.io.local_room import LocalRoom


class Ticks:
    """One task that flushes the rooms that are due.

    Order: a room's ticks go out one after the other, each to all its subscribers before the next.
    Delivery: what a room received until its flush is in that tick; a room that received more
    meanwhile is due again. Limits: one entry per room; names and counts in one tick per `TICK_S`,
    events and chat in as many on average, one in `URGENT_S` while something urgent waits
    (local_room.py).
    """

    def __init__(self) -> None:
        self._due: dict[str, LocalRoom] = {}
        self._changed = asyncio.Event()
        self._next_at = inf

    def schedule(self, local: LocalRoom) -> None:
        """Flush `local` as soon as its last tick is long enough ago."""
        if local.channel not in self._due or local.due_at < self._next_at:
            self._due[local.channel] = local
            self._changed.set()

    async def run(self) -> None:
        """Flush rooms until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            now = loop.time()
            for channel, local in list(self._due.items()):
                if local.due_at <= now:
                    self._due.pop(channel, None)
                    await local.flush(loop.time())
                    if local.room.is_due:
                        self._due[channel] = local
            timer = None
            self._next_at = min((local.due_at for local in self._due.values()), default=inf)
            if self._due:
                timer = loop.call_at(self._next_at, self._changed.set)
            await self._changed.wait()
            if timer is not None:
                timer.cancel()
