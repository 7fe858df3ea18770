"""Viewers of a run's video: light WHEP and LL-HLS clients that count all they get."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping

from loadtest.clients.hls import HlsCrowd, HlsViewer
from loadtest.clients.whep import Crowd, Whep
from loadtest.clients.whep_viewer import Stage, WhepViewer
from loadtest.errors import LoadError, TryLater
from loadtest.measure.glass_to_glass import GlassViewer
from loadtest.measure.recorder import Recorder
from loadtest.runner.glass import Glass, is_frozen
from loadtest.runner.target import Address
from loadtest.scenario.model import ViewerKind

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
        decode: Mapping[ViewerKind, int] | None = None,
        whep: str = "",
        crowd: Crowd | None = None,
        on_os_error: Callable[[OSError], None] = lambda error: None,
    ) -> None:
        """`ends`: the host's script ends the live, after which no frame is missed.

        `decode` says how many viewers of each kind decode; `whep` is another server's address.
        """
        setup = "active" if whep else "actpass"
        whep = whep or f"{address.url}/live/{room}/whep"
        self._recorder = recorder
        self._address = address
        self._ends = ends
        signalling = Whep(whep, setup=setup, tls=address.tls)
        self._crowd = crowd or Crowd(signalling, source=address.source)
        self._on_os_error = on_os_error
        self._hls = HlsCrowd(address.url, room, tls=address.tls)
        self._glass = Glass(whep, recorder, tls=address.tls)
        self._to_decode = Counter(decode)
        self._seen: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def __aenter__(self) -> "Cinema":
        await self._crowd.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._hls.close()
        await self._glass.close()
        await self._crowd.__aexit__(*error)

    async def watch(self, due_ns: int, until_s: float) -> None:
        """Watch from `due_ns` until `until_s` of the loop's clock; a live may begin meanwhile."""
        if self._decodes(ViewerKind.WEBRTC):
            await self._watch_decoding(due_ns, until_s)
            return
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
            frozen = viewer.freezes.is_frozen(time.monotonic())
            recorder.counts["media.freezes"] += frozen and not self._ends
            try:
                await self._crowd.leave(viewer)
            except LoadError as error:
                recorder.errors[f"whep: {error}"] += 1

    async def _watch_decoding(self, due_ns: int, until_s: float) -> None:
        """The same with a viewer that decodes."""
        recorder, joined = self._recorder, False
        recorder.population += 1
        try:
            async with asyncio.timeout_at(until_s):
                while not (joined or self.over.is_set()):
                    try:
                        async with self._glass.webrtc(due_ns) as viewer:
                            joined = True
                            recorder.counts["media.joined"] += 1
                            await self._until_over(viewer)
                    except TryLater:
                        await asyncio.sleep(NOT_YET_S)
                        due_ns = time.monotonic_ns()
        except TimeoutError:
            pass
        except LoadError as error:
            recorder.errors[f"whep: {error}"] += 1
        finally:
            recorder.population -= 1
            recorder.counts["media.refused"] += not joined

    async def _until_over(self, viewer: GlassViewer) -> None:
        try:
            await self.over.wait()
        finally:
            frozen = is_frozen(viewer) and not (self._ends or viewer.ended)
            self._recorder.counts["glass.freezes"] += frozen
            self._recorder.counts["media.ended"] += viewer.ended

    def _decodes(self, kind: ViewerKind) -> bool:
        """Whether the next viewer is of the sample that decodes."""
        self._to_decode[kind] -= 1
        return self._to_decode[kind] >= 0

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
        on_part = self._glass.hls() if self._decodes(ViewerKind.HLS) else None
        while not self.over.is_set():
            try:
                viewer = await self._hls.enter(source, on_part)
                await self._first_part(viewer)
            except TryLater:
                await asyncio.sleep(NOT_YET_S)
                due_ns = time.monotonic_ns()
            except LoadError as error:
                self._note("hls", error)
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
        self._glass.count()
        totals, hls = self._crowd.totals(), self._hls.totals
        for delay_s in hls.delays_s:
            self._recorder.delay("hls.part", 0, int(delay_s * 1e9))
        hls.delays_s.clear()
        now = Counter(
            {
                "media.packets": totals.packets,
                "media.bytes": totals.bytes,
                "media.missing": totals.missing,
                "media.nacks": totals.nacks,
                "media.repaired": totals.repaired,
                "media.freezes": totals.freezes,
                "media.forged": totals.forged,
                "media.layer_changes": totals.layer_changes,
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

    def _note(self, kind: str, error: Exception) -> None:
        """Note why a viewer did not get in; our own machine may have refused the socket."""
        self._recorder.errors[f"{kind}: {error}"] += 1
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError):
            self._on_os_error(cause)

    async def _join(self, due_ns: int) -> WhepViewer | None:
        while not self.over.is_set():
            try:
                viewer = await self._crowd.join()
            except TryLater:
                # Before the host is there, nothing can be watched, and time does not count.
                await asyncio.sleep(NOT_YET_S)
                due_ns = time.monotonic_ns()
            except (LoadError, OSError) as error:
                self._note("whep", error)
                return None
            else:
                self._recorder.counts["media.joined"] += 1
                self._recorder.delay("media.first_packet", due_ns, time.monotonic_ns())
                return viewer
        return None
