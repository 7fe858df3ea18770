"""Sources as aiortc tracks: each packet leaves when due, encoded beside the loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from loadtest.sources.encoded import EncodedSource, Packet

# A host that was asleep this long goes on from now instead of sending what was missed.
LATE_MAX_S = 0.5


class Pace:
    """The common clock of a host's tracks: where second 0 of its sources lies in loop time."""

    def __init__(self) -> None:
        self._origin: float | None = None

    async def wait(self, due_s: float) -> None:
        """Return when `due_s` has come."""
        now = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = now - due_s
        wait_s = self._origin + due_s - now
        if wait_s < -LATE_MAX_S:
            self._origin -= wait_s
        elif wait_s > 0:
            await asyncio.sleep(wait_s)


class PacedTrack(MediaStreamTrack):
    """One source as a track that gives encoded packets, so that aiortc only packetises."""

    def __init__(
        self, kind: str, source: EncodedSource, pace: Pace, pool: ThreadPoolExecutor
    ) -> None:
        super().__init__()
        self.kind = kind
        self._source = source
        self._pace = pace
        self._pool = pool
        self.ended_by_itself = asyncio.Event()

    async def recv(self) -> Packet:
        """Return the next packet when it is due."""
        due_s = self._source.due_s()
        if due_s is None:
            self.ended_by_itself.set()
            raise MediaStreamError
        await self._pace.wait(due_s)
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._source.packet)
