"""What the rules of forwarding need of the world: a sender of frames, and a transport to each peer.

Both are called on the event loop's thread and return at once; neither raises.
"""

from collections.abc import Sequence
from typing import Protocol

from media.forwarding.leg import Leg
from media.stream.frames import Frame, Item


class FrameSender(Protocol):
    """Sends media packets to many viewers; each viewer gets them in the order of the calls.

    Delivery is that of UDP: losses are retransmitted upon a NACK. A sender that cannot keep up
    drops whole frames, the newest first, and viewers then request a key frame.
    """

    def send_frame(self, frame: Frame, ssrc: int, legs: Sequence[Leg]) -> None:
        """Send `frame` to all `legs`, a sequence that never changes: it may be kept for later."""

    def send_retransmit(self, number: int, item: Item, ticks: int, ssrc: int, leg: Leg) -> None:
        """Send one packet to one viewer at once, as the layer's `number`, `ticks` later."""


class Transport(Protocol):
    """The transport to one peer: ICE, DTLS and SRTP are its business alone."""

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send a compound packet; dropped while there are no keys or no address."""

    def connect_leg(self, leg: Leg, ssrc: int) -> None:
        """Give a leg that sends as `ssrc` the peer's address and cipher; once connected."""

    def close(self) -> None:
        """Close the connection (close_notify) and forget the peer; idempotent."""
