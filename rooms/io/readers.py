"""Readers: what brings a room up to the end of its log, at first and after every gap."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from rooms.events import Event
from rooms.io.audience import Counts
from rooms.io.local_room import LocalRoom
from rooms.io.tallies import Tallies
from rooms.io.timeouts import CALL_TIMEOUT_S, within
from rooms.log import LogUnavailable, RoomBus, RoomLog

READERS = 4
"""Logs read at the same time."""

Seed = Callable[[str], Awaitable[Sequence[Event]]]
"""Returns the events that add up to a channel as the record knows it; may raise LogUnavailable."""


class Readers:
    """`READERS` tasks that take rooms from one queue.

    Order: a room subscribes to its topic before its log is read, so that an event is in the answer
    or comes by the bus, or both; never in neither. Delivery: a failed reading leaves the room's
    `needs_reading` set, and the hub's sweep requests it again. Limits: a room is in the queue or in
    a reading at most once; each call ends after `CALL_TIMEOUT_S`.
    """

    def __init__(
        self,
        log: RoomLog,
        bus: RoomBus,
        counts: Counts,
        tallies: Tallies,
        seed: Seed,
        on_news: Callable[[LocalRoom], None],
    ) -> None:
        self._log = log
        self._bus = bus
        self._counts = counts
        self._tallies = tallies
        self._seed = seed
        self._on_news = on_news
        self._queue: asyncio.Queue[LocalRoom] = asyncio.Queue()

    def request(self, local: LocalRoom) -> None:
        """Have the log of `local` read soon; does nothing while a reading is pending."""
        if not local.is_reading:
            local.is_reading = True
            self._queue.put_nowait(local)

    async def run(self) -> None:
        """Read logs until cancelled; the hub runs `READERS` of these."""
        while True:
            local = await self._queue.get()
            try:
                await self._read(local)
            except LogUnavailable:
                self._counts.log_failures_total += 1
                local.room.needs_reading = True
            local.is_reading = False

    async def check_position(self, local: LocalRoom) -> None:
        """Compare a room with the end of its log, in case events were lost on both ways."""
        tip_at_request = local.room.tip
        try:
            position = await within(CALL_TIMEOUT_S, self._log.position(local.channel))
        except LogUnavailable:
            self._counts.log_failures_total += 1
        else:
            local.room.receive_position(position, tip_at_request)

    async def _read(self, local: LocalRoom) -> None:
        channel, room = local.channel, local.room
        if not local.is_subscribed:
            await within(CALL_TIMEOUT_S, self._bus.join(channel))
            local.is_subscribed = True
        self._counts.log_readings_total += 1
        was_open = room.is_open
        room.begin_reading()
        reading = await within(CALL_TIMEOUT_S, self._log.read(channel))
        if reading.position.offset == 0 and await self._seed_log(channel):
            reading = await within(CALL_TIMEOUT_S, self._log.read(channel))
        chat = () if was_open else await within(CALL_TIMEOUT_S, self._bus.recent_chat(channel))
        room.adopt(reading, chat)
        local.checked_at = time.monotonic()
        if not was_open:
            await self._tallies.report(channel)
            local.open(asyncio.get_running_loop().time())
        self._on_news(local)

    async def _seed_log(self, channel: str) -> bool:
        """Put into a new log what the record knows; its old one may have been lost."""
        events = await self._seed(channel)
        if events:
            call = self._log.append(channel, stamped(events), only_first=True)
            await within(CALL_TIMEOUT_S, call)
        return bool(events)


def stamped(events: Sequence[Event]) -> list[Event]:
    """Return the events with the time of now where they have none."""
    at_ms = time.time_ns() // 1_000_000
    return [
        event if event.at_ms else msgspec.structs.replace(event, at_ms=at_ms) for event in events
    ]
