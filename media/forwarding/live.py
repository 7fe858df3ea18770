"""One live on this worker: its source, its tracks and their layers, its viewers, its sinks."""

from collections import Counter
from collections.abc import Mapping
from random import Random

from media.congestion.load import Load
from media.forwarding.decodability import Decodability
from media.forwarding.forwarder import Forwarder
from media.forwarding.ports import FrameSender
from media.forwarding.track import Track
from media.forwarding.viewer import Viewer
from media.stream.layer import Layer
from media.stream.ports import FrameSink, Source, TrackFormat
from media.stream.timeline import Timeline
from media.wire import rtcp
from media.wire.codec import Codec

# Until a live is this old, what its host's link loses may not have shown yet. With an RTT that is
# no higher than this a repair that is lost itself arrives in time, too.
YOUNG_S = 20.0
HIGH_HOST_RTT_S = 0.030
SECOND_NACK_S = 0.150  # until a loss is noticed, and until the second NACK
KEEPALIVE_INTERVAL_S = 0.5
REENCODED = "reencoded"  # the rid of a layer
SEQUENCE_START_MAX = 30_000  # far from a rollover, which a lost first packet would hide


class Live:
    """The media of one live on this worker; every frame of its layers goes to every sink.

    `Lives` decides what happens to it.
    """

    def __init__(
        self,
        room_id: str,
        sender: FrameSender,
        load: Load,
        counted: Counter[str],
        zero_at: float | None = None,
    ) -> None:
        """`zero_at` is when the timestamps of its tracks were 0."""
        self.room_id = room_id
        self._zero_at = zero_at
        self.tracks: dict[str, Track] = {}  # by kind
        self.viewers: dict[str, Viewer] = {}  # by id
        self.forwarder = Forwarder(self.tracks, self.viewers, sender, load, counted)
        # Replaced, never changed: a sink may be added or removed while a frame goes round.
        self.sinks: tuple[FrameSink, ...] = (self.forwarder,)
        self.source: Source | None = None
        self.source_since = 0.0
        self.standby = False  # the source gives way to any other
        self.edge = False  # its source is at another worker, which owns the live
        self.private = False  # a rehearsal
        self.on_air = False  # the source's media flows
        self.lost_at: float | None = None
        self.decodability = Decodability()
        self.ticked_at = 0.0
        self._keepalive_at = 0.0

    def layers(self) -> list[Layer]:
        """Return the layers of all tracks."""
        return [layer for track in self.tracks.values() for layer in track.all_layers]

    @property
    def waits(self) -> bool:
        """Whether something is due within milliseconds: a repair, a key frame, a viewer's GOP.

        An edge asks its origin then; of several layers one may be dropped at any time.
        """
        if self.edge or self.forwarder.waits:
            return True
        for track in self.tracks.values():
            layers = track.layers
            if len(layers) > 1 or track.original is not None or layers[0].waits:
                return True
        return False

    # Source

    def plays(self, formats: Mapping[str, TrackFormat]) -> bool:
        """Whether viewers of now can decode a source with these formats."""
        return {kind: track.codec.name.upper() for kind, track in self.tracks.items()} == {
            kind: each.codec.name.upper() for kind, each in formats.items()
        }

    def set_source(self, source: Source, rng: Random, *, standby: bool, now: float) -> None:
        """Take another source; of each track the layers stay that it has, too."""
        self.interrupt()
        self.source, self.source_since, self.standby = source, now, standby
        for kind, (codec, rids) in source.tracks.items():
            track = self.tracks.get(kind)
            if track is None:
                ssrc = rng.randrange(0xFFFFFFF0) + 2
                timeline = Timeline(codec.clock_hz, self._zero_at)
                layers = [_layer(kind, codec, rid, timeline, rng) for rid in rids]
                self.tracks[kind] = Track(kind, codec, ssrc, layers)
                continue
            kept = {layer.rid: layer for layer in track.all_layers}
            track.original = None
            layers = [
                kept.get(rid) or _layer(kind, track.codec, rid, track.timeline, rng) for rid in rids
            ]
            self.forwarder.replace_layers(track, layers)
        source.attach({kind: tuple(track.layers) for kind, track in self.tracks.items()})

    def begin_reencoding(self, rng: Random) -> Layer:
        """Its video has B-frames: return a layer for WebRTC viewers, which is to be filled."""
        track = self.tracks["video"]
        [track.original] = track.layers
        first = rng.randrange(SEQUENCE_START_MAX)
        timeline = track.timeline
        layer = Layer("video", track.codec, first, REENCODED, timeline, keeps_times=True)
        self.forwarder.replace_layers(track, [layer])
        return layer

    def end_reencoding(self) -> None:
        """Nobody fills that layer any more; idempotent."""
        track = self.tracks.get("video")
        if track is not None and track.original is not None:
            original, track.original = track.original, None
            self.forwarder.replace_layers(track, [original])

    def interrupt(self) -> None:
        """Media broke off; whatever comes next may have other numbers and times."""
        for layer in self.layers():
            layer.lose_source()

    def begin_public(self) -> None:
        """A rehearsal goes on air: who joins now begins with a key frame that is still to come."""
        self.private = False
        self.end_reencoding()  # it is behind, and begins anew
        for layer in self.layers():
            layer.begin_public()

    def clear_tracks(self) -> None:
        """Another codec begins, and nobody watches any more."""
        self.tracks.clear()
        self.forwarder.clear()

    def send_feedback(self, *, now: float) -> None:
        """Have the source send what is due to the other end."""
        if self.source is not None:
            self.source.send_feedback(now=now)

    @property
    def reorders(self) -> bool:
        """Whether its video has B-frames, which no viewer can be shown."""
        video = self.tracks.get("video")
        return video is not None and any(layer.reorders for layer in video.layers)

    def check_decodability(self, *, now: float) -> None:
        """Call about once a second: notice a source whose video no viewer can decode."""
        video = self.tracks.get("video")
        self.decodability.check(self.source, video.layers if video else (), now=now)

    def repair_delay_s(self, *, now: float) -> float:
        """Return for how long repairs of what the host's link loses may hold up the live."""
        held_s = max((layer.repair_delay_s for layer in self.layers()), default=0.0)
        if self.source is None or now - self.source_since > YOUNG_S:
            return held_s
        round_trip_s = self.source.round_trip_s
        return (
            held_s if round_trip_s < HIGH_HOST_RTT_S else max(held_s, round_trip_s + SECOND_NACK_S)
        )

    def media_time(self) -> int | None:
        """Return the RTP time (90 kHz, 32 bits) of the newest video frame; None: none flows."""
        video = self.tracks.get("video")
        if video is None or not self.on_air:
            return None
        return max(video.layers, key=lambda layer: layer.newest_at).timestamp

    # Sinks

    def add_sink(self, sink: FrameSink) -> None:
        """Hand every frame from the next one on to `sink`, too."""
        self.sinks = (*self.sinks, sink)

    def remove_sink(self, sink: FrameSink) -> None:
        """Close a sink; it gets no frame any more."""
        self.sinks = tuple(other for other in self.sinks if other is not sink)
        sink.close()

    def deliver(self, layer: Layer, *, now: float) -> bool:
        """Hand the frames of `layer` that are complete to all sinks; True: media flows.

        Call it after the layer received something, and every few milliseconds.
        """
        flows = False
        for frame in layer.poll(now=now):
            for sink in self.sinks:
                sink.frame(layer, frame, now=now)
            flows |= frame.key or layer.kind == "audio"
        if layer.waits_for_key:
            layer.keys.request()
        return flows

    def close(self) -> None:
        """The live is over."""
        for sink in self.sinks:
            sink.close()

    def send_keepalives(self, *, now: float) -> None:
        """While the source is silent, let viewers' pages see that their own link works."""
        newest = max((layer.newest_at for layer in self.layers()), default=now)
        if now - max(newest, self._keepalive_at) < KEEPALIVE_INTERVAL_S:
            return
        self._keepalive_at = now
        for viewer in self.viewers.values():
            if viewer.connected:
                viewer.transport.send_rtcp(rtcp.empty_report())


def _layer(kind: str, codec: Codec, rid: str, timeline: Timeline, rng: Random) -> Layer:
    return Layer(kind, codec, rng.randrange(SEQUENCE_START_MAX), rid, timeline)
