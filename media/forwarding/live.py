"""One live on this worker: its streams and their layers, its host, its viewers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from media.congestion.link import Link
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.uplink import Uplink
from media.io.webrtc.session import Session
from media.stream.layer import Layer
from media.wire.sdp import Codec

REPORTS_KEPT = 8
# Until a live is so old, what its host's line loses may not have shown yet. On a way that is no
# longer than this a repair that is lost itself comes in time, too.
YOUNG_S = 20.0
LONG_WAY_S = 0.030
SECOND_TRY_S = 0.150  # until a loss is noticed, and until it is asked for once more


class Track:
    """What viewers know as one track: an SSRC and a codec; behind it one layer, or several."""

    def __init__(self, kind: str, codec: Codec, ssrc: int, layers: list[Layer]) -> None:
        self.kind = kind
        self.codec = codec
        self.ssrc = ssrc
        self.layers = layers
        self.timeline = layers[0].timeline
        self.silent_at = float("-inf")  # when no layer came, of late
        self._flowed: list[Layer] = []
        # Sender reports that went out: middle of the NTP time → when, for round trips.
        self._reported: dict[int, float] = {}

    @property
    def repair_ssrc(self) -> int:
        """Repeats have an SSRC of their own (RFC 4588 section 4)."""
        return self.ssrc + 1

    def order(self) -> None:
        """Sort the layers from small to large, as their pictures and bit rates show them."""
        self.layers.sort(
            key=lambda layer: (layer.size.short_side if layer.size else 0, layer.bits_per_s)
        )

    def flowing(self, *, now: float) -> list[Layer]:
        """Return the layers that the host sends now, from small to large."""
        return [layer for layer in self.layers if layer.flows(now=now)]

    def newly_silent(self, *, now: float) -> list[Layer]:
        """Return the layers that the host sent at the call before, and does not send any longer."""
        before, self._flowed = self._flowed, self.flowing(now=now)
        return [layer for layer in before if layer not in self._flowed]

    def note_report(self, middle: int, *, now: float) -> None:
        """A sender report goes out to viewers; `middle` are the middle 32 bits of its NTP time."""
        self._reported[middle] = now
        while len(self._reported) > REPORTS_KEPT * len(self.layers):
            del self._reported[next(iter(self._reported))]

    def round_trip_s(self, last_report: int, since: int, *, now: float) -> float | None:
        """Return the time to a viewer and back by its report block; None: it had no report yet."""
        sent_at = self._reported.get(last_report)
        return None if sent_at is None else max(0.0, now - sent_at - since / 65_536)


@dataclass(slots=True)
class Live:
    """A live and who takes part in it."""

    id: str
    tracks: dict[str, Track]  # by kind
    publisher: Session | None = None
    uplink: Uplink | None = None
    viewers: dict[str, Session] = field(default_factory=dict)
    # Legs of viewers that are connected, by layer; replaced, never changed, since frames that wait
    # to be sent hold on to the list of their time.
    legs: dict[Layer, tuple[Leg, ...]] = field(default_factory=dict)
    # Who waits for a layer's next key frame, catches up with a layer, or tries out its line.
    waiting: dict[Layer, list[Downlink]] = field(default_factory=dict)
    catching_up: dict[Downlink, None] = field(default_factory=dict)
    probing: dict[Downlink, Link] = field(default_factory=dict)
    # Who comes from far and has just got its first picture, or will, and until when that counts.
    beginning: dict[Session, float] = field(default_factory=dict)
    live: bool = False  # the host's media flows
    lost_at: float | None = None
    reassured_at: float = 0.0  # viewers heard from us for want of media
    counted: Counter[str] = field(default_factory=Counter)

    def layers(self) -> list[Layer]:
        """Return the layers of all streams."""
        return [layer for track in self.tracks.values() for layer in track.layers]

    def may_hold_s(self, *, now: float) -> float:
        """Return for how long repairs of what the host's line loses may hold up the live."""
        held_s = max((layer.held_s for layer in self.layers()), default=0.0)
        host = self.publisher
        if host is None or now - host.created > YOUNG_S or host.handshake_rtt_s < LONG_WAY_S:
            return held_s
        return max(held_s, host.handshake_rtt_s + SECOND_TRY_S)

    def add_legs(self, layer: Layer, legs: Iterable[Leg]) -> None:
        """Viewers get this layer from the next frame on."""
        self.legs[layer] = (*self.legs.get(layer, ()), *legs)

    def remove_legs(self, layer: Layer, legs: Iterable[Leg]) -> None:
        """Viewers do not get this layer any longer."""
        gone = set(legs)
        self.legs[layer] = tuple(leg for leg in self.legs.get(layer, ()) if leg not in gone)
