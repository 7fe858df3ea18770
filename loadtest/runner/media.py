"""WebRTC viewers of a run: light WHEP clients whose packets are all counted."""

import asyncio
import time
from collections import Counter

from loadtest.clients.whep import Crowd, Whep
from loadtest.clients.whep_viewer import Stage, WhepViewer
from loadtest.errors import LoadError, TryLater
from loadtest.measure.recorder import Recorder
from loadtest.runner.target import Address

NOT_YET_S = 1.0


class Cinema:
    """All WebRTC viewers of one process. `async with`; they leave when `over` is set."""

    def __init__(self, address: Address, room: str, recorder: Recorder) -> None:
        self._recorder = recorder
        self._crowd = Crowd(Whep(f"{address.url}/live/{room}/whep", tls=address.tls))
        self._seen: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def __aenter__(self) -> "Cinema":
        await self._crowd.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._crowd.__aexit__(*error)

    async def watch(self, due_ns: int, until_s: float) -> None:
        """Watch from `due_ns` until `until_s` of the loop's clock; a live may begin meanwhile."""
        recorder = self._recorder
        recorder.population += 1
        viewer: WhepViewer | None = None
        try:
            async with asyncio.timeout_at(until_s):
                viewer = await self._join(due_ns)
                if viewer:
                    await self.over.wait()
        except TimeoutError:
            pass
        finally:
            recorder.population -= 1
            recorder.counts["media.refused"] += viewer is None
        if viewer:
            recorder.counts["media.ended"] += viewer.stage is Stage.ENDED
            try:
                await self._crowd.leave(viewer)
            except LoadError as error:
                recorder.errors[f"whep: {error}"] += 1

    def count(self) -> None:
        """Add what came since the last call to the recorder."""
        totals = self._crowd.totals()
        now = Counter(
            {
                "media.packets": totals.packets,
                "media.missing": totals.missing,
                "media.freezes": totals.freezes,
                "media.forged": totals.forged,
            }
        )
        for name, count in now.items():
            # A late packet takes back one that was missing.
            self._recorder.counts[name] += count - self._seen[name]
        self._seen = now

    async def _join(self, due_ns: int) -> WhepViewer | None:
        while not self.over.is_set():
            try:
                viewer = await self._crowd.join()
            except TryLater:
                # Before the host is there, nothing can be watched, and time does not count.
                await asyncio.sleep(NOT_YET_S)
                due_ns = time.monotonic_ns()
            except LoadError as error:
                self._recorder.errors[f"whep: {error}"] += 1
                return None
            else:
                self._recorder.counts["media.joined"] += 1
                self._recorder.delay("media.first_packet", due_ns, time.monotonic_ns())
                return viewer
        return None
