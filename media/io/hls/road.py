"""The HLS streams of a worker: made when somebody watches, let go when nobody has for a while."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from media.errors import NotLive
from media.forwarding.live import Live
from media.io.hls.sink import HlsSink

UNUSED_S = 30.0
TICK_S = 0.1
RETRY_AFTER_S = 2
# A host that makes no key frame for so long cannot be shown.
FIRST_SEGMENT_TIMEOUT_S = 8.0
FIRST_SEGMENT = (1, -1)  # the place behind it


class LiveLookup(Protocol):
    """What the road needs of the media plane."""

    def live(self, room_id: str) -> Live:
        """Return a live that can be watched; raises `NotLive`."""


@dataclass(frozen=True, slots=True)
class HlsStats:
    """Gauges."""

    streams: int
    octets_kept: int


class HlsRoad:
    """Make it on the event loop; `close` it before the plane."""

    def __init__(self, lives: LiveLookup) -> None:
        self._lives = lives
        self._streams: dict[str, HlsSink] = {}  # by room
        # Opus → AAC, off the loop: 14 ms of CPU for a second of sound.
        self._pool = ThreadPoolExecutor(1, "hls-audio")
        self._timer: asyncio.TimerHandle | None = None

    async def join(self, room_id: str) -> HlsSink:
        """Return the stream of a live once it has a segment: players do not begin before.

        Nothing is packaged until somebody joins, or the live is recorded.

        Raises:
            NotLive: Nobody publishes, or nothing that can be shown came.
            NotPackaged: The live's video is not H.264.
        """
        stream = self.open(room_id)
        await stream.wait_for(*FIRST_SEGMENT, FIRST_SEGMENT_TIMEOUT_S)
        if not stream.segmenter.segments:
            raise NotLive(RETRY_AFTER_S)
        return stream

    def open(self, room_id: str) -> HlsSink:
        """Return the stream of a live, which may have nothing yet.

        Raises:
            NotLive: Nobody publishes.
            NotPackaged: The live's video is not H.264.
        """
        stream = self._streams.get(room_id)
        if stream is None or stream.segmenter.ended:
            live = self._lives.live(room_id)
            stream = HlsSink(secrets.token_urlsafe(6), live, self._pool)
            live.add_sink(stream)
            self._streams[room_id] = stream
            if self._timer is None:
                self._arm()
        stream.used_at = monotonic()
        return stream

    def stream(self, room_id: str, stream_id: str) -> HlsSink | None:
        """Return a stream by its id; None: it was let go."""
        stream = self._streams.get(room_id)
        return stream if stream is not None and stream.id == stream_id else None

    def use(self, stream: HlsSink) -> None:
        """Somebody watches."""
        stream.used_at = monotonic()

    def stats(self) -> HlsStats:
        """Return the figures."""
        octets = sum(
            segment.octets
            for stream in self._streams.values()
            for segment in stream.segmenter.segments
        )
        return HlsStats(len(self._streams), octets)

    def close(self) -> None:
        """Let all streams go; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        for stream in self._streams.values():
            stream.live.remove_sink(stream)
        self._streams.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = monotonic()
        for room_id, stream in list(self._streams.items()):
            stream.tick(now=now)
            if stream.in_use:
                stream.used_at = now
            elif now - stream.used_at > UNUSED_S:
                stream.live.remove_sink(stream)
                del self._streams[room_id]
        self._timer = None
        if self._streams:
            self._arm()
