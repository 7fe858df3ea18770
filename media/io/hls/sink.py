"""One live as an LL-HLS stream: a `FrameSink` that makes parts, and requests that wait for them.

frame → access unit → Segmenter ← AAC ← worker thread ← Opus packets ← frame

It never is slow: parts are pulled, and the oldest segments are forgotten. Of several layers the
largest that flows is taken. Each other one has a sink that follows the first: they share one
timeline and its AAC, and break off together, so that players change between them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from time import monotonic

import av
import structlog

from media.errors import NotPackaged
from media.forwarding.live import Live
from media.io.hls.opus_to_aac import FRAME_SAMPLES, RATE_HZ, TRACK, OpusToAac
from media.io.hls.rendition import AudioRendition, Rendition
from media.packaging.access_units import AudioPackets, Unwrapped, VideoUnit, VideoUnits
from media.packaging.alignment import BASE_S, Alignment
from media.packaging.muxer import Beginning, KeptGop, Muxer
from media.packaging.segmenter import SAMPLE_S_MAX
from media.stream import program_time
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.wire import fmp4

VIDEO_HZ = 90_000  # of RTP and of the track
KEY_FRAME_INTERVAL_S = 2.0
# So far behind the video, sound that has not come becomes silence.
AUDIO_LATE_S = 0.5
AUDIO_PACKETS_MAX = 200
# Kept for layers that begin later: so much older than the newest sound their video may be.
AAC_KEPT_S = 5.0
# Of a cached GOP; more would mean that the worker thread does not keep up.
HELD_FRAMES_MAX = 600
_NTP = 1 << 32

log = structlog.get_logger()


class HlsSink(Rendition):
    """State of one stream."""

    def __init__(
        self,
        stream_id: str,
        live: Live,
        pool: Executor,
        lead: "HlsSink | None" = None,
        rid: str | None = None,
    ) -> None:
        """Take the live's cached GOP; then hand it to `Live.add_sink`.

        Without a `lead` it takes the largest layer, else the layer `rid`.

        Raises:
            NotPackaged: The live's video is not H.264.
        """
        video = live.tracks.get("video")
        if video is not None and video.codec.name.upper() != "H264":
            raise NotPackaged
        super().__init__(stream_id)
        self.rid = rid
        self.zero_s = 0.0  # program time at 0 of the timeline
        self._lead = lead
        # Those that break off together.
        self._group: list[HlsSink] = lead._group if lead is not None else []
        self._group.append(self)
        self._gop = KeptGop()
        # Replaced, never changed: one may be attached or detached while media is handed on.
        self._muxers: tuple[Muxer, ...] = (self.segmenter, self._gop)
        self.used_at = self.watched_at = monotonic()  # at all; by players of HLS
        self.is_private = False  # not all may see what it has
        self.repeats_sets = False  # key frames carry their parameter sets in any case
        self.live = live
        self._pool = pool
        self._source = live.source
        self._layer: Layer | None = None
        self._units = VideoUnits()
        self._packets = AudioPackets()
        self._sets: tuple[bytes, bytes] | None = None
        self._alignment = Alignment()
        self._video_s = 0.0  # of the newest video, on the source's clock
        self._arrived_at = self._key_at = monotonic()
        self._transcoder: OpusToAac | None = None  # of the lead alone
        self._has_audio = False
        self._audio_end_s = 0.0  # up to where there is AAC
        self._aac: deque[tuple[int, bytes]] = deque(
            maxlen=round(AAC_KEPT_S * RATE_HZ) // FRAME_SAMPLES
        )
        # Video whose sound is still to come: players want both in each part.
        self._held: deque[tuple[int, VideoUnit]] = deque()
        self._audio_waiting: list[tuple[int, bytes]] = []
        self._audio_arrived = asyncio.Event()
        self._task = (
            asyncio.create_task(self._transcode(), name="hls audio") if lead is None else None
        )
        self._take_gop()

    def _take_gop(self) -> None:
        layer = self._choose(now=monotonic())
        if layer is None:
            return
        layer.keys.request()  # with it the first segment is complete
        now = monotonic()
        for frame in list(layer.gop):
            self._take_video(layer, frame, now=now - layer.age_s(frame, now=now))

    # FrameSink

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        """Take a frame."""
        self._watch_source()
        if layer.kind == "audio":
            self._take_audio(layer, frame, now=now)
        elif layer is self._choose(now=now):
            self._take_video(layer, frame, now=now)

    def close(self) -> None:
        """The live is over; idempotent."""
        if self._task is not None:
            self._task.cancel()
        if self in self._group:
            self._group.remove(self)
        self._break_own()
        for muxer in self._muxers:
            muxer.end()

    def forget(self) -> None:
        """What came so far was for others: players, and all that is attached, begin anew."""
        self._break()
        for rendition in (self, *self.siblings):
            rendition.segmenter.forget()

    def tick(self, *, now: float) -> None:
        """Call about every 100 ms."""
        super().tick(now=now)
        if self.segmenter.ended:
            return
        self._watch_source()
        if not self.segmenter.interrupted and now - self._arrived_at > SAMPLE_S_MAX:
            self._interrupt()
        layer = self._choose(now=now)
        if layer is None:
            return
        wants_key = self.segmenter.interrupted or now - self._key_at >= KEY_FRAME_INTERVAL_S
        if wants_key and not layer.keys.ignored:
            layer.keys.request()
        if self._transcoder is not None and self._transcoder.next < self._silent_until():
            self._audio_arrived.set()

    # Requests

    @property
    def in_use(self) -> bool:
        """Whether a request waits, somebody follows, or another container is made of it."""
        others = [muxer for muxer in self._muxers[2:] if not isinstance(muxer, AudioRendition)]
        return super().in_use or bool(others)

    @property
    def layer_rid(self) -> str | None:
        """Of the layer that is taken; None: there is no video."""
        layer = self._choose(now=monotonic())
        return layer.rid if layer is not None else None

    def attach(self, muxer: Muxer) -> None:
        """Hand the media to `muxer`, too, from the newest key frame on."""
        self._gop.replay(muxer)
        self._muxers = (*self._muxers, muxer)

    def detach(self, muxer: Muxer) -> None:
        """Hand nothing to it any more; idempotent."""
        self._muxers = tuple(other for other in self._muxers if other is not muxer)

    # Media

    def _watch_source(self) -> None:
        """Announce at once that the source is gone, or is another one."""
        live = self.live
        if live.source is not self._source or (live.lost_at is not None and not live.on_air):
            self._source = live.source
            self._interrupt()

    def _interrupt(self) -> None:
        if not self.segmenter.interrupted:
            self._layer = None
        self._break()

    def _break(self) -> None:
        for sink in list(self._group) or [self]:
            sink._break_own()

    def _break_own(self) -> None:
        self._alignment, self._transcoder = Alignment(), None
        self._has_audio, self._audio_end_s = False, 0.0
        self._aac.clear()
        self._release()
        for muxer in self._muxers:
            muxer.interrupt()
        self._audio_waiting.clear()

    def _choose(self, *, now: float) -> Layer | None:
        track = self.live.tracks.get("video")
        if track is None:
            return None
        if self._layer is None or self._layer not in track.all_layers:
            layers = track.flowing(now=now) or track.layers
            if self.rid is not None:
                layers = [layer for layer in track.layers if layer.rid == self.rid]
            elif track.original is not None:
                layers = [track.original]
            self._layer = layers[-1] if layers else None
            self._units = VideoUnits()
        return self._layer

    def _take_video(self, layer: Layer, frame: Frame, *, now: float) -> None:
        unit = self._units.take(frame)
        if unit is None:
            layer.keys.request()
            return
        clock_hz = layer.codec.clock_hz
        seconds = unit.ticks / clock_hz
        if self.segmenter.interrupted:
            self._break_own()
        elif unit.sets != self._sets or not 0 < seconds - self._video_s <= SAMPLE_S_MAX:
            self._break()
        if self.segmenter.interrupted and not (unit.key and self._joins_lead(layer, unit)):
            self._units.waits_for_key = True
            return
        self._locate(layer, self._units.clock, seconds, now=now)
        self._video_s, self._arrived_at, self._sets = seconds, now, unit.sets
        if unit.key:
            self._key_at = now
        place = round(self._alignment.video_s(seconds) * VIDEO_HZ)
        if self.segmenter.interrupted:
            with_audio = [TRACK] if "audio" in self.live.tracks else []
            zero = unit.ticks - place & 0xFFFFFFFF
            self._begin([unit.track(), *with_audio], zero, layer, now=now)
            if self._lead is not None:
                since = place * RATE_HZ // VIDEO_HZ - FRAME_SAMPLES
                self._take_aac([each for each in self._lead._aac if each[0] > since])
        self._held.append((place, unit))
        self._release()

    def _joins_lead(self, layer: Layer, unit: VideoUnit) -> bool:
        """Begin on the timeline of the lead; False: it has none yet, or a later one."""
        lead = self._lead
        if lead is None:
            return True
        if lead.segmenter.interrupted:
            return False
        at_s = program_time.program_s(unit.ticks & 0xFFFFFFFF, layer.codec.clock_hz, time.time())
        place_s = at_s - lead.zero_s
        if not self.segmenter.segments:
            self.segmenter.discontinuities_retired = lead.segmenter.discontinuities
        self._alignment.place_video(unit.ticks / layer.codec.clock_hz, place_s)
        return place_s >= BASE_S / 2

    def _release(self) -> None:
        """Hand on the video that has its sound."""
        while self._held:
            place, unit = self._held[0]
            waits = self._has_audio and place / VIDEO_HZ > self._audio_end_s
            if waits and len(self._held) <= HELD_FRAMES_MAX:
                return
            self._held.popleft()
            # A recording is one file, whose header has the parameter sets of its beginning only.
            repeats = unit.key and (self.repeats_sets or len(self.segmenter.inits) > 1)
            data = unit.with_sets() if repeats else unit.data
            for muxer in self._muxers:
                muxer.add_video(place, data, key=unit.key, composition=unit.composition)

    def _begin(self, tracks: list[fmp4.Track], zero: int, layer: Layer, *, now: float) -> None:
        """Begin a timeline; `zero` is the RTP time of `layer` at its 0."""
        near_s = time.time() - (monotonic() - now) - BASE_S
        program_s = program_time.program_s(zero, layer.codec.clock_hz, near_s)
        self.zero_s = program_s
        media_time = zero if layer.kind == "video" else None
        beginning = Beginning(tracks, program_s, media_time, layer.rid)
        for muxer in self._muxers:
            muxer.begin(beginning)
        self._packets = AudioPackets()
        self._has_audio = TRACK in tracks
        if self._has_audio and self._lead is None:
            self._transcoder = OpusToAac(round(BASE_S * RATE_HZ))
            self._audio_arrived.set()  # what is late already

    def _take_audio(self, layer: Layer, frame: Frame, *, now: float) -> None:
        if self._lead is not None:
            return
        packets = self._packets.take(frame)
        if not packets:
            return
        seconds = packets[-1].ticks / RATE_HZ
        has_video = "video" in self.live.tracks
        if self.segmenter.interrupted and not has_video:
            zero = packets[0].ticks - round(BASE_S * RATE_HZ) & 0xFFFFFFFF
            self._begin([TRACK], zero, layer, now=now)
        if self._transcoder is None:
            return
        self._locate(layer, self._packets.clock, seconds, now=now)
        if not has_video:
            self._arrived_at = now
        for packet in packets:
            place_s = self._alignment.audio_s(packet.ticks / RATE_HZ)
            if place_s is not None and len(self._audio_waiting) < AUDIO_PACKETS_MAX:
                self._audio_waiting.append((round(place_s * RATE_HZ), packet.data))
        self._audio_arrived.set()

    def _locate(self, layer: Layer, clock: Unwrapped, seconds: float, *, now: float) -> None:
        self._alignment.on_arrival(layer.kind, seconds, now=now)
        if layer.clock is not None:
            ntp_time, timestamp = layer.clock
            reported_s = clock.near(timestamp) / layer.codec.clock_hz
            self._alignment.on_clock(layer.kind, reported_s, ntp_time / _NTP)

    def _silent_until(self) -> int:
        """Return up to where sound that is missing is not waited for."""
        if "video" not in self.live.tracks:
            return 0
        return round((self._alignment.video_s(self._video_s) - AUDIO_LATE_S) * RATE_HZ)

    async def _transcode(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._audio_arrived.wait()
            self._audio_arrived.clear()
            transcoder = self._transcoder
            if transcoder is None:
                continue
            packets, self._audio_waiting = self._audio_waiting, []
            try:
                frames = await loop.run_in_executor(
                    self._pool, transcoder.feed, packets, self._silent_until()
                )
            except av.FFmpegError as error:
                log.warning("sound was not transcoded", room=self.live.room_id, why=str(error))
                if transcoder is self._transcoder:
                    self._interrupt()
                continue
            if transcoder is self._transcoder:
                self._aac.extend(frames)
                for sink in self._group:
                    sink._take_aac(frames)

    def _take_aac(self, frames: Iterable[tuple[int, bytes]]) -> None:
        if self.segmenter.interrupted:
            return
        for place, data in frames:
            for muxer in self._muxers:
                muxer.add_audio(place, data, FRAME_SAMPLES)
            self._audio_end_s = (place + FRAME_SAMPLES) / RATE_HZ
        self._release()
