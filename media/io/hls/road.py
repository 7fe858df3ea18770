"""The HLS streams of a worker: made when somebody watches, let go when nobody has for a while."""

import asyncio
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from media.errors import NotLive
from media.forwarding.live import Live
from media.io.hls.rendition import AudioRendition, Rendition
from media.io.hls.sink import HlsSink

UNUSED_S = 30.0
TICK_S = 0.1
RETRY_AFTER_S = 2
# A host that makes no key frame for so long cannot be shown.
FIRST_SEGMENT_TIMEOUT_S = 8.0
# The smaller layers of such a host are left out.
OTHER_SEGMENT_TIMEOUT_S = 1.5


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

    async def join(self, room_id: str, *, private: bool = False) -> HlsSink:
        """Return the stream of a live once it has a segment: players do not begin before.

        Nothing is packaged until somebody joins, or the live is recorded. Who joins not `private`
        is shown nothing of what came before, if others did.

        Raises:
            NotLive: Nobody publishes, or nothing that can be shown came.
            NotPackaged: The live's video is not H.264.
        """
        stream = self.open(room_id)
        self._add_renditions(stream)
        if stream.is_private and not private:
            self.begin_public(room_id)
        stream.is_private |= private
        await stream.wait_for(*_behind_first(stream), FIRST_SEGMENT_TIMEOUT_S)
        if not stream.segmenter.segments:
            raise NotLive(RETRY_AFTER_S)
        # Their key frames were requested together.
        waits = [
            other.wait_for(*_behind_first(other), OTHER_SEGMENT_TIMEOUT_S)
            for other in stream.siblings
        ]
        await asyncio.gather(*waits)
        return stream

    def begin_public(self, room_id: str) -> None:
        """A rehearsal goes on air: nobody is shown what came before."""
        stream = self._streams.get(room_id)
        if stream is not None and stream.is_private:
            stream.is_private = False
            stream.forget()

    def open(self, room_id: str) -> HlsSink:
        """Return the stream of a live, which may have nothing yet.

        Raises:
            NotLive: Nobody publishes.
            NotPackaged: The live's video is not H.264.
        """
        stream = self._streams.get(room_id)
        if stream is None or stream.segmenter.ended:
            live = self._lives.live(room_id)
            if stream is not None:
                self._drop_renditions(stream)
            stream = HlsSink(_new_id(), live, self._pool)
            stream.is_private = live.private
            live.add_sink(stream)
            self._streams[room_id] = stream
            if self._timer is None:
                self._arm()
        stream.used_at = monotonic()
        return stream

    def stream(self, room_id: str, stream_id: str) -> Rendition | None:
        """Return a stream or another rendition by its id; None: it was let go."""
        stream = self._streams.get(room_id)
        for rendition in (stream, *stream.siblings) if stream is not None else ():
            if rendition.id == stream_id:
                return rendition
        return None

    def use(self, room_id: str) -> None:
        """Somebody watches."""
        stream = self._streams.get(room_id)
        if stream is not None:
            stream.used_at = stream.watched_at = monotonic()

    def _add_renditions(self, stream: HlsSink) -> None:
        """Package the smaller layers, too, and the sound alone."""
        stream.watched_at = monotonic()
        others = list(stream.siblings)
        live = stream.live
        video, taken = live.tracks.get("video"), {stream.layer_rid}
        taken |= {other.rid for other in others if isinstance(other, HlsSink)}
        # What was made of a layer with B-frames is for WebRTC.
        layers = [] if video is None or video.original else video.flowing(now=monotonic())
        for layer in reversed(layers):
            if layer.rid not in taken:
                other = HlsSink(_new_id(), live, self._pool, stream, layer.rid)
                live.add_sink(other)
                others.append(other)
        has_sound = any(isinstance(other, AudioRendition) for other in others)
        if video is not None and "audio" in live.tracks and not has_sound:
            sound = AudioRendition(_new_id())
            stream.attach(sound)
            others.append(sound)
        _set_siblings(stream, others)

    def _drop_renditions(self, stream: HlsSink) -> None:
        for other in stream.siblings:
            if isinstance(other, HlsSink):
                stream.live.remove_sink(other)
            elif isinstance(other, AudioRendition):
                stream.detach(other)
                other.end()
        _set_siblings(stream, [])

    def stats(self) -> HlsStats:
        """Return the figures."""
        octets = sum(
            segment.octets
            for stream in self._streams.values()
            for rendition in (stream, *stream.siblings)
            for segment in rendition.segmenter.segments
        )
        return HlsStats(len(self._streams), octets)

    def close(self) -> None:
        """Let all streams go; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        for stream in self._streams.values():
            self._drop_renditions(stream)
            stream.live.remove_sink(stream)
        self._streams.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = monotonic()
        for room_id, stream in list(self._streams.items()):
            stream.tick(now=now)
            for other in stream.siblings:
                other.tick(now=now)
                if other.in_use:
                    stream.used_at = stream.watched_at = now
            if now - stream.watched_at > UNUSED_S:
                self._drop_renditions(stream)
            if stream.in_use:
                stream.used_at = now
            elif now - stream.used_at > UNUSED_S:
                self._drop_renditions(stream)
                stream.live.remove_sink(stream)
                del self._streams[room_id]
        self._timer = None
        if self._streams:
            self._arm()


def _new_id() -> str:
    return secrets.token_urlsafe(6)


def _behind_first(rendition: Rendition) -> tuple[int, int]:
    """Return the place behind the first segment that is listed, or will be."""
    segmenter = rendition.segmenter
    first = segmenter.segments[0].msn if segmenter.segments else segmenter.next_msn
    return first + 1, -1


def _set_siblings(stream: HlsSink, others: Sequence[Rendition]) -> None:
    """Have each of a live's renditions know the others."""
    everyone = [stream, *others]
    for rendition in everyone:
        rendition.siblings = [other for other in everyone if other is not rendition]
