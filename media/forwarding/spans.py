"""Which of a viewer's sequence numbers came from which layer, and what of them can be resent."""

from dataclasses import dataclass
from typing import NamedTuple

from media.forwarding.leg import Leg
from media.stream.frames import Item
from media.stream.layer import Layer


class Span(NamedTuple):
    """Numbers from `first` on were a layer's."""

    first: int
    layer: Layer
    leg: Leg
    replayed: dict[int, int]  # the layer's number → how far its timestamp was moved


class RetransmitItem(NamedTuple):
    """A packet that a viewer was sent before."""

    number: int  # the viewer's
    item: Item
    span: Span
    ticks: int


@dataclass(slots=True)
class JoiningViewer:
    """A high-RTT viewer that waits for its first frame."""

    settled_at: float  # no frame before that
    patient_until: float  # from then on the GOP is replayed
    pad_at: float  # when padding is due
