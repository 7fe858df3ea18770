"""Viewers of a run's video: light WHEP and LL-HLS clients that count all they get."""

import asyncio
import time
from collections import Counter

from loadtest.clients.audit import FREEZE_S
from loadtest.clients.hls import HlsCrowd, HlsViewer
from loadtest.clients.whep import Crowd, Whep
from loadtest.clients.whep_viewer import Stage, WhepViewer
from loadtest.errors import LoadError, TryLater
from loadtest.measure.recorder import Recorder
from loadtest.runner.target import Address

NOT_YET_S = 1.0


class Cinema:
    """All WebRTC viewers of one process. `async with`; they leave when `over` is set."""

    def __init__(
        self,
        address: Address,
        room: str,
        recorder: Recorder,
        *,
        ends: bool = False,
        crowd: Crowd | None = None,
    ) -> None:
        """`ends`: the host's script ends the live, after which no frame is missed."""
        self._recorder = recorder
        self._address = address
        self._ends = ends
        self._crowd = crowd or Crowd(Whep(f"{address.url}/live/{room}/whep", tls=address.tls))
        self._hls = HlsCrowd(address.url, room, tls=address.tls)
        self._seen: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def __aenter__(self) -> "Cinema":
        await self._crowd.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._hls.close()
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
            # A freeze is counted by the frame that ends it; this one nothing has ended.
            last = viewer.freezes.last
            frozen = last is not None and time.monotonic() - last > FREEZE_S
            recorder.counts["media.freezes"] += frozen and not self._ends
            try:
                await self._crowd.leave(viewer)
            except LoadError as error:
                recorder.errors[f"whep: {error}"] += 1

    async def watch_hls(self, number: int, due_ns: int, until_s: float) -> None:
        """The same by LL-HLS, for viewer `number`."""
        recorder = self._recorder
        recorder.population += 1
        viewer: HlsViewer | None = None
        try:
            async with asyncio.timeout_at(until_s):
                viewer = await self._enter_hls(number, due_ns)
                if viewer:
                    await self.over.wait()
        except TimeoutError:
            pass
        finally:
            recorder.population -= 1
            recorder.counts["hls.refused"] += viewer is None
            if viewer:
                viewer.leave()

    async def _enter_hls(self, number: int, due_ns: int) -> HlsViewer | None:
        source = self._address.source(number)
        while not self.over.is_set():
            try:
                viewer = await self._hls.enter(source)
                await self._first_part(viewer)
            except TryLater:
                await asyncio.sleep(NOT_YET_S)
                due_ns = time.monotonic_ns()
            except LoadError as error:
                self._recorder.errors[f"hls: {error}"] += 1
                return None
            else:
                self._recorder.counts["hls.joined"] += 1
                self._recorder.delay("hls.first_part", due_ns, time.monotonic_ns())
                return viewer
        return None

    @staticmethod
    async def _first_part(viewer: HlsViewer) -> None:
        try:
            await viewer.first_part
        except BaseException:
            viewer.leave()
            raise

    def count(self) -> None:
        """Add what came since the last call to the recorder."""
        totals, hls = self._crowd.totals(), self._hls.totals
        for delay_s in hls.delays_s:
            self._recorder.delay("hls.part", 0, int(delay_s * 1e9))
        hls.delays_s.clear()
        now = Counter(
            {
                "media.packets": totals.packets,
                "media.missing": totals.missing,
                "media.freezes": totals.freezes,
                "media.forged": totals.forged,
                "hls.parts": hls.parts,
                "hls.skipped": hls.skipped,
                "hls.failed": hls.refused,
                "hls.ended": hls.lost,
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
