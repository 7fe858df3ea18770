"""Tallies: viewers and likes of each channel, summed over all workers."""

import asyncio
import time
from collections.abc import Callable, Mapping

from rooms.io.audience import Counts
from rooms.io.local_room import LocalRoom
from rooms.io.timeouts import CALL_TIMEOUT_S, within
from rooms.log import LogUnavailable, People, RoomBus
from rooms.messages import Counters

TALLY_S = 1.0
TALLIES_AT_ONCE = 16
INTEREST_S = 60.0
"""How long the viewers of a channel without a local room are counted after a request for them."""


class Tallies:
    """One task that reports every room of this worker each `TALLY_S` and takes the sums.

    Order: sums are absolute, the newest replaces the older; reports of one room follow each other,
    and of one that other workers share say who watches here (see presence.py). Delivery: likes
    stay with the room until a report has succeeded; a report whose answer was lost may count them
    twice. Limits: `TALLIES_AT_ONCE` calls at a time; channels without a local room are forgotten
    after `INTEREST_S`.
    """

    def __init__(
        self,
        bus: RoomBus,
        counts: Counts,
        rooms: Mapping[str, LocalRoom],
        worker_id: str,
        on_news: Callable[[LocalRoom], None],
    ) -> None:
        self._bus = bus
        self._counts = counts
        self._rooms = rooms
        self._worker_id = worker_id
        self._on_news = on_news
        self._interest: dict[str, tuple[float, Counters]] = {}

    def viewers(self, channel: str) -> int:
        """Return the viewers of `channel` on all workers, as of the last report.

        Without a local room the first answer may be 0, and the next is right.
        """
        local = self._rooms.get(channel)
        if local is not None and local.room.is_open:
            return local.counters.viewers
        known = self._interest.get(channel)
        counters = known[1] if known else Counters()
        self._interest[channel] = (time.monotonic() + INTEREST_S, counters)
        return counters.viewers

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await asyncio.sleep(TALLY_S)
            now = time.monotonic()
            for channel in [c for c, (until, _) in self._interest.items() if until < now]:
                del self._interest[channel]
            channels = [*self._rooms, *(c for c in self._interest if c not in self._rooms)]
            for start in range(0, len(channels), TALLIES_AT_ONCE):
                part = channels[start : start + TALLIES_AT_ONCE]
                await asyncio.gather(*(self.report(channel) for channel in part))

    async def report(self, channel: str) -> None:
        """Report one channel; a failure is counted, and the next report carries its likes."""
        local = self._rooms.get(channel)
        if local is None:
            await self._report_none(channel)
            return
        async with local.reporting:
            await self._report(local)

    async def _report(self, local: LocalRoom) -> None:
        audience, likes, since_ms = local.audience, local.likes, local.since_ms
        viewers, presence = audience.viewers, audience.presence
        parts: list[People | None] = [*presence.report(audience.people)]
        try:
            for people in parts or [None]:
                call = self._bus.tally(
                    local.channel, self._worker_id, viewers, likes, since_ms, people
                )
                tally = await within(CALL_TIMEOUT_S, call)
                local.likes -= likes
                likes = 0
        except LogUnavailable:
            presence.failed()
            self._counts.log_failures_total += 1
            return
        presence.reported(tally)
        local.counters = tally.counters
        local.room.receive_counters(tally.counters)
        self._on_news(local)

    async def _report_none(self, channel: str) -> None:
        """Ask for the sums of a channel that this worker has no viewers of."""
        try:
            call = self._bus.tally(channel, self._worker_id, 0, 0)
            counters = (await within(CALL_TIMEOUT_S, call)).counters
        except LogUnavailable:
            self._counts.log_failures_total += 1
            return
        if channel in self._interest:
            self._interest[channel] = (self._interest[channel][0], counters)

    async def withdraw(self, channel: str, local: LocalRoom | None = None) -> None:
        """Take this worker's viewers out of the sums of `channel`, and report its last likes.

        Raises:
            LogUnavailable: They are counted until their report expires.
        """
        likes, since_ms = (local.likes, local.since_ms) if local else (0, 0)
        call = self._bus.tally(channel, self._worker_id, 0, likes, since_ms)
        await within(CALL_TIMEOUT_S, call)
