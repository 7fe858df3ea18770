"""Viewers of the sample that decode: glass-to-glass delay, freezes, sizes of the picture.

The host of a run burns the clock of its machine into the video, so these viewers are on the same.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from loadtest.measure.glass_to_glass import GlassViewer, glass_viewer
from loadtest.measure.part_decoder import PartDecoder, now_ms
from loadtest.measure.recorder import Recorder


@dataclass(slots=True)
class Watched:
    """A decoding viewer and what of it is recorded already."""

    viewer: GlassViewer
    timing: str
    due_ns: int
    recorded: dict[str, int] = field(default_factory=dict)
    has_begun: bool = False


class Glass:
    """All decoding viewers of a process. Close it at the end."""

    def __init__(
        self, whep_url: str, recorder: Recorder, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url = whep_url
        self._tls = tls
        self._recorder = recorder
        self._watched: list[Watched] = []
        # One thread, so that parts are decoded in their order.
        self._pool = ThreadPoolExecutor(1)

    @contextlib.asynccontextmanager
    async def webrtc(self, due_ns: int) -> AsyncIterator[GlassViewer]:
        """Watch by WHEP until left.

        Raises:
            LoadError: There is nothing to watch.
        """
        async with glass_viewer(self._url, tls=self._tls) as viewer:
            watched = Watched(viewer, "glass.webrtc", due_ns)
            self._watched.append(watched)
            try:
                yield viewer
            finally:
                self._record(watched)
                self._watched.remove(watched)

    def hls(self) -> Callable[[bytes, bytes], None]:
        """Return what takes the parts of an LL-HLS viewer, with their init segments."""
        viewer = GlassViewer()
        decoder = PartDecoder(viewer)
        self._watched.append(Watched(viewer, "glass.hls", 0))

        def take(init: bytes, part: bytes) -> None:
            self._pool.submit(decoder.decode, init, part, now_ms())

        return take

    def count(self) -> None:
        """Add what was seen since the last call to the recorder."""
        for watched in self._watched:
            self._record(watched)

    async def close(self) -> None:
        """Let the last parts be decoded."""
        await asyncio.to_thread(self._pool.shutdown)
        self.count()

    def _record(self, watched: Watched) -> None:
        viewer, recorder = watched.viewer, self._recorder
        # The decoding thread appends meanwhile.
        new = len(viewer.delays_ms)
        for delay_ms in viewer.delays_ms[:new]:
            recorder.delay(watched.timing, 0, int(delay_ms * 1e6))
        del viewer.delays_ms[:new]
        for jitter_ms in viewer.jitters_ms:
            recorder.delay("media.jitter", 0, int(jitter_ms * 1e6))
        viewer.jitters_ms.clear()
        if watched.due_ns and viewer.first_frame_ns and not watched.has_begun:
            watched.has_begun = True
            recorder.delay("media.first_frame", watched.due_ns, viewer.first_frame_ns)
        counts = {
            "glass.frames": viewer.frames,
            "glass.unreadable": viewer.unreadable,
            "glass.skipped": viewer.skipped,
            "glass.repeated": viewer.repeated,
        }
        if watched.due_ns:  # parts come in lumps, and a player's buffer evens them
            counts["glass.freezes"] = viewer.freezes.freezes
            counts["media.layer_changes"] = viewer.size_changes
        for name, count in counts.items():
            recorder.counts[name] += count - watched.recorded.get(name, 0)
            watched.recorded[name] = count


def is_frozen(viewer: GlassViewer) -> bool:
    """Whether the frame that a WebRTC viewer sees now is a freeze already."""
    return viewer.freezes.is_frozen(time.time())
