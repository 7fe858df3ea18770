"""A track of a live: an SSRC and a codec, as viewers know it; behind it one layer, or several."""

from collections.abc import Sequence

from media.stream.layer import Layer
from media.wire.codec import Codec

REPORTS_KEPT = 8


class Track:
    """Audio or video of a live. Its layers come and go with the host; the SSRC stays."""

    def __init__(self, kind: str, codec: Codec, ssrc: int, layers: Sequence[Layer]) -> None:
        self.kind = kind
        self.codec = codec
        self.ssrc = ssrc
        self.layers = list(layers)
        # What `layers` were re-encoded of, since it has B-frames; containers carry it.
        self.original: Layer | None = None
        self.timeline = layers[0].timeline
        self.silent_at = float("-inf")  # when no layer flowed, of late
        self._flowed: list[Layer] = []
        # Sender reports that went out: middle of the NTP time → when, for round trips.
        self._reported: dict[int, float] = {}

    @property
    def all_layers(self) -> list[Layer]:
        """The layers, and what they were re-encoded of."""
        return self.layers if self.original is None else [*self.layers, self.original]

    @property
    def repair_ssrc(self) -> int:
        """Retransmits have an SSRC of their own (RFC 4588 section 4)."""
        return self.ssrc + 1

    def order(self) -> None:
        """Sort the layers from small to large, by frame size and bit rate."""
        self.layers.sort(
            key=lambda layer: (layer.size.short_side if layer.size else 0, layer.bits_per_s)
        )

    def flowing(self, *, now: float) -> list[Layer]:
        """Return the layers that the host sends now, from small to large."""
        return [layer for layer in self.layers if layer.flows(now=now)]

    def newly_silent(self, *, now: float) -> list[Layer]:
        """Return the layers that flowed at the call before and do not any longer."""
        before, self._flowed = self._flowed, self.flowing(now=now)
        return [layer for layer in before if layer not in self._flowed]

    def note_report(self, middle: int, *, now: float) -> None:
        """A sender report goes out to viewers; `middle` are the middle 32 bits of its NTP time."""
        self._reported[middle] = now
        while len(self._reported) > REPORTS_KEPT * len(self.layers):
            del self._reported[next(iter(self._reported))]

    def round_trip_s(self, last_report: int, since: int, *, now: float) -> float | None:
        """Return the round-trip time by a viewer's report block; None: it has no report yet."""
        sent_at = self._reported.get(last_report)
        return None if sent_at is None else max(0.0, now - sent_at - since / 65_536)
