"""An edge's source: a live of another worker, of which it receives the layers that are used here.

Pure: `now` is monotonic seconds. What the source sends is given to `send`, which neither waits nor
raises; packets may be lost in both directions.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from media.stream.layer import KEY_FRAME_REQUEST_AFTER_S, Announced, Layer
from media.stream.ports import TrackFormat
from media.stream.rtp_source import RtpSource
from media.wire.frame_size import Size
from media.wire.hop import (
    NACK_NUMBERS_MAX,
    Formats,
    MediaHeader,
    Message,
    Nack,
    State,
    Wants,
)
from media.wire.rtp import Packet

KEEPALIVE_S = 0.5
# A layer that no viewer gets any more is still received for so long.
LINGER_S = 5.0
# Retransmits of audio come within a round trip between workers, or not at all.
AUDIO_REPAIR_S = 0.200
RTT_WEIGHT = 0.25
# A new parent replays its GOP: what lies further behind than a repair was received long ago.
REPLAYED_PACKETS_MIN = 1_500


class EdgeSource:
    """A `Source` that another worker's `Subscription` fills.

    `take` returns the layer to deliver; `on_state` the clocks that viewers are to get.
    """

    def __init__(
        self,
        source_id: str,
        formats: Formats,
        send: Callable[[Message], None],
        uses: Callable[[Layer], bool],
        counted: Counter[str],
    ) -> None:
        """`uses` tells whether a viewer or an edge gets a layer, or waits for it."""
        self.id = source_id
        self.formats = formats
        self.tracks: Mapping[str, TrackFormat] = {
            each.kind: TrackFormat(each.codec, each.rids) for each in formats.tracks
        }
        self.last_media_at = 0.0
        self.round_trip_s = 0.0
        self.reorders = False
        self.send = send
        self._uses = uses
        self._counted = counted
        self.layers: list[Layer] = []  # by their index in `formats`
        self._used_at: dict[int, float] = {}  # by index
        self._clocks: dict[Layer, tuple[RtpSource, int]] = {}
        self._wanted = 0
        self._wants_at = float("-inf")
        self._stated = False
        self._closed = False
        self.private = False  # what came so far, or the first of it, is a rehearsal
        self._public = False  # nothing of a rehearsal is taken

    def attach(self, layers: Mapping[str, Sequence[Layer]]) -> None:
        """Fill these from now on, by kind."""
        by_rid = {(kind, each.rid): each for kind, some in layers.items() for each in some}
        self.layers = [by_rid[each.kind, rid] for each in self.formats.tracks for rid in each.rids]
        for layer in self.layers:
            layer.keeps_times = True
            layer.announced = Announced(False, 0.0)
            if layer.kind == "audio":
                layer.patience_s = AUDIO_REPAIR_S

    def take(self, header: MediaHeader, payload: bytes, *, now: float) -> Layer | None:
        """Take an RTP payload of the origin; return the layer to deliver, if any."""
        self.last_media_at = now
        if header.private and self._public:
            return None
        if self.private and not header.private:
            self.begin_public()
        self.private |= header.private
        if header.layer >= len(self.layers) or not self._wanted >> header.layer & 1:
            return None
        layer = self.layers[header.layer]
        if layer.source is not None:
            behind = layer.source.newest - header.number & 0xFFFF
            if REPLAYED_PACKETS_MIN < behind < 0x8000:
                return None
        kind = layer.codec.payload_type
        packet = Packet(kind, header.marker, header.number, header.timestamp, 0, payload)
        layer.receive(packet, now=now)
        if layer.missing():
            self._request_missing(header.layer, layer, now)
        return layer

    @property
    def is_private(self) -> bool:
        """Whether what is received now is a rehearsal."""
        return self.private and not self._public

    def number(self, layer: Layer, sequence: int) -> int | None:
        """Return what the origin calls the layer's packet `sequence`; None: it is of before.

        Only the lower 16 bits count. All edges of a live know a packet by the same number.
        """
        source = layer.source
        if source is None or not source.begun or sequence < source.first_sent:
            return None
        return sequence - source.sequence_delta

    def sequence(self, layer: Layer, number: int) -> int | None:
        """Return the layer's own number for the origin's, both with 16 bits that count."""
        source = layer.source
        return number + source.sequence_delta if source is not None and source.begun else None

    def go_on(self, send: Callable[[Message], None], *, now: float) -> None:
        """The same live comes from another parent, or with other keys."""
        self.send = send
        self._wants_at = float("-inf")
        self.send_feedback(now=now)

    def begin_public(self) -> None:
        """Viewers who may see no rehearsal join, or it is over: forget it, and take no more of it.

        Packets that were lost or overtaken on the hop may come long after. Idempotent.
        """
        if self.private and not self._public:
            for layer in self.layers:
                layer.begin_public()
        self._public = True

    def on_state(self, state: State, *, now: float) -> list[tuple[Layer, int, int]]:
        """Take what the origin says; return layers with an NTP time and the timestamp of it."""
        if state.formats != self.formats.version or len(state.layers) != len(self.layers):
            return []
        if state.echo_ms:
            rtt_s = (_milliseconds(now) - state.echo_ms & 0xFFFFFFFF) / 1e3
            weight = RTT_WEIGHT if self.round_trip_s else 1.0
            self.round_trip_s += (rtt_s - self.round_trip_s) * weight
        self.reorders = state.reorders
        clocks = []
        for layer, at_origin in zip(self.layers, state.layers, strict=True):
            layer.announced = Announced(at_origin.flows, at_origin.bits_per_s)
            layer.bits_per_s = at_origin.bits_per_s
            layer.reorders = state.reorders and layer.kind == "video"
            if layer.size is None and at_origin.height:
                layer.size = Size(at_origin.width, at_origin.height)
            ntp_time, timestamp = at_origin.clock
            source = layer.source
            if source is None or not ntp_time or self._clocks.get(layer) == (source, ntp_time):
                continue
            source.on_report(ntp_time, timestamp, now=now)
            if (own := source.timestamp_of(timestamp)) is not None:
                self._clocks[layer] = source, ntp_time
                clocks.append((layer, ntp_time, own))
        if not self._stated:
            self._stated = True
            self._expect_viewers(now)
            self.send_feedback(now=now)
        return clocks

    def send_feedback(self, *, now: float) -> None:
        """Send which layers are needed, NACKs and requests for key frames, as they are due."""
        if self._closed:
            return
        wanted, keys = self._needed(now), 0
        for index, layer in enumerate(self.layers):
            if not wanted >> index & 1:
                if self._wanted >> index & 1:
                    layer.leave_out()
                continue
            self._request_missing(index, layer, now)
            if layer.kind == "video" and layer.keys.due(now=now):
                self._counted["keys"] += 1
                keys |= 1 << index
        if wanted != self._wanted or keys or now - self._wants_at >= KEEPALIVE_S:
            self._wanted, self._wants_at = wanted, now
            self.send(Wants(_milliseconds(now), wanted, keys, self.formats.version))

    def close(self) -> None:
        """The live goes on without it; idempotent."""
        self._closed = True
        for layer in self.layers:
            layer.keeps_times, layer.announced = False, None

    def _expect_viewers(self, now: float) -> None:
        """Receive what the first viewer begins with, while that still connects."""
        flowing = [layer for layer in self.layers if layer.kind == "video" and layer.flows(now=now)]
        flowing.sort(
            key=lambda layer: (layer.size.short_side if layer.size else 0, layer.bits_per_s)
        )
        if flowing:
            first = flowing[(len(flowing) - 1) // 2]
            self._used_at[self.layers.index(first)] = now

    def _needed(self, now: float) -> int:
        needed = 0
        for index, layer in enumerate(self.layers):
            if self._uses(layer):
                self._used_at[index] = now
            if layer.kind == "audio" or now - self._used_at.get(index, -1e9) < LINGER_S:
                needed |= 1 << index
        return needed

    def _request_missing(self, index: int, layer: Layer, now: float) -> None:
        lost = layer.nacks.due(layer.missing(), now=now)
        if layer.kind == "video" and (
            lost is None or layer.blocked_s(now=now) > KEY_FRAME_REQUEST_AFTER_S
        ):
            layer.keys.request()
        if lost:
            self._counted["hop_nacks_out"] += 1
            self.send(Nack(index, tuple(lost[:NACK_NUMBERS_MAX])))


def _milliseconds(now: float) -> int:
    """Return a time for an echo; never 0."""
    return round(now * 1e3) & 0xFFFFFFFF or 1
