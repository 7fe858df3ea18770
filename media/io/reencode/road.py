"""Gives lives with B-frames a second video layer without, which viewers of WebRTC get.

FLV of the live → child → access units → the layer. HLS, FLV and recordings keep the original.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import structlog

from media.errors import NotLive, NotPackaged
from media.forwarding.live import Live
from media.io.fed_child import FedChild
from media.io.hls.road import HlsRoad
from media.io.hls.sink import HlsSink
from media.io.reencode.frames import EncodedFrame, EncodedFrames
from media.stream.layer import Layer
from media.stream.ports import Source
from media.wire import h264
from media.wire.rtp import PAYLOAD_BYTES_MAX

LOOK_EVERY_S = 0.5
CHILD = "media.io.reencode.child"

log = structlog.get_logger()


class Lives(Protocol):
    """What the road needs of the media plane."""

    def lives(self) -> Sequence[Live]:
        """Return the lives of this worker."""

    def deliver(self, room_id: str, source: Source, layer: Layer) -> None:
        """Hand on what a layer of the source received."""


@dataclass(frozen=True, slots=True)
class ReencodeStats:
    """A gauge, and a counter since the start."""

    streams: int
    restarts: int


class ReencodeRoad:
    """At most `streams_max` at a time; `close` it before HLS."""

    def __init__(self, lives: Lives, hls: HlsRoad, streams_max: int) -> None:
        self._lives = lives
        self._hls = hls
        self._streams_max = streams_max
        self._streams: dict[str, _Reencoded] = {}  # by room
        self._restarts = 0  # of streams that are over
        self._task = asyncio.create_task(self._run(), name="re-encoding") if streams_max else None

    def stats(self) -> ReencodeStats:
        """Return the figures."""
        restarts = sum(stream.child.restarts for stream in self._streams.values())
        return ReencodeStats(len(self._streams), self._restarts + restarts)

    async def close(self) -> None:
        """End all children; idempotent."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for room_id in list(self._streams):
            await self._end(room_id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            lives = {live.room_id: live for live in self._lives.lives()}
            for room_id, stream in list(self._streams.items()):
                if not stream.goes_on(lives.get(room_id)):
                    await self._end(room_id)
            for live in lives.values():
                if live.reorders and len(self._streams) < self._streams_max:
                    self._begin(live)

    def _begin(self, live: Live) -> None:
        try:
            packaged = self._hls.open(live.room_id)
        except (NotLive, NotPackaged):
            return
        log.info("a live is re-encoded for WebRTC", room=live.room_id)
        self._streams[live.room_id] = _Reencoded(live, packaged, self._lives)

    async def _end(self, room_id: str) -> None:
        stream = self._streams.pop(room_id)
        self._restarts += stream.child.restarts
        await stream.close()


class _Reencoded:
    """One live's child and the layer that it fills."""

    def __init__(self, live: Live, packaged: HlsSink, lives: Lives) -> None:
        assert live.source is not None
        self._live, self._packaged, self._lives = live, packaged, lives
        self._source: Source = live.source
        self._layer = live.begin_reencoding(secrets.SystemRandom())
        self._frames = EncodedFrames()
        self.child = FedChild(CHILD, b"", self._take, on_start=self._start)
        packaged.attach(self.child.muxer)

    def goes_on(self, live: Live | None) -> bool:
        """Whether the live still has the source, the layer and the stream of the beginning."""
        ended = self._packaged.segmenter.ended
        if live is not self._live or live.source is not self._source or ended:
            return False
        return self._layer in live.tracks["video"].layers

    async def close(self) -> None:
        self._packaged.detach(self.child.muxer)
        if self._live.source is self._source and self._layer in self._live.layers():
            self._live.end_reencoding()
        await self.child.close()

    def _start(self) -> None:
        self._frames = EncodedFrames()

    def _take(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._add(frame)

    def _add(self, frame: EncodedFrame) -> None:
        ticks = self.child.flv.media_time(frame.timestamp_ms)
        if ticks is None or not self.goes_on(self._live):
            return
        units = [unit for unit in frame.nal_units() if unit[0] & 31 != h264.ACCESS_UNIT_DELIMITER]
        payloads = h264.payloads(units, PAYLOAD_BYTES_MAX)
        if payloads:
            self._layer.add_frame(payloads, ticks, key=frame.key, now=monotonic())
            self._lives.deliver(self._live.room_id, self._source, self._layer)
