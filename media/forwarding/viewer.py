"""One viewer of a live: what it gets of each track, what its link carries, its limits.

Pure: `now` is monotonic seconds. ICE, DTLS and SRTP are its `transport`'s.
"""

from media.congestion.estimator import Estimator
from media.congestion.link import Link
from media.forwarding.bucket import Bucket
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.ports import Transport
from media.forwarding.rtt import Rtt
from media.forwarding.track import Track
from media.wire import sdp, transport_cc
from media.wire.address import Address

# Retransmits, so that they cannot choke a link; the rate follows what is sent.
RETRANSMITS_PER_S, RETRANSMITS_BURST = 10.0, 60.0
RETRANSMITS_PER_S_MIN = 10.0
RETRANSMITS_SHARE = 0.15  # of what is sent anyway
# Key frames cost every viewer quality: one whose decoder keeps failing may not cause many.
KEY_FRAMES_PER_S, KEY_FRAMES_BURST = 0.3, 3.0
REPLAYS_PER_S, REPLAYS_BURST = 2.0, 5.0
NO_EXTENSION_ID = 15  # a receiver that sees it reads no further (RFC 8285 section 4.2)


class Viewer:
    """State of one viewer; `Lives` and its live's `Forwarder` change it."""

    def __init__(
        self, peer_id: str, room_id: str, transport: Transport, rtt: Rtt, *, now: float
    ) -> None:
        self.id = peer_id
        self.room_id = room_id
        self.transport = transport
        self.rtt = rtt
        self.created = now
        self.connected = False
        self.events_read = False  # somebody reads this player's events
        self.downlinks: dict[str, Downlink] = {}  # by kind
        self.link = Link(now=now)
        self.lost: dict[str, float] = {}  # by kind: part of the packets, by the newest report
        self.nacks = 0
        self.resent = 0
        self.retransmits = Bucket(RETRANSMITS_PER_S, RETRANSMITS_BURST)
        self.key_frames = Bucket(KEY_FRAMES_PER_S, KEY_FRAMES_BURST)  # asked of the host for it
        self.replays = Bucket(REPLAYS_PER_S, REPLAYS_BURST)

    @property
    def video(self) -> Downlink | None:
        """What it gets of the video."""
        return self.downlinks.get("video")

    def subscribe(self, track: Track, sending: sdp.Sending) -> None:
        """Get `track` as it was negotiated."""
        ids = sending.section.extensions
        stamp_id = ids.get(sdp.SEND_TIME_URI, NO_EXTENSION_ID)
        number_id = ids[transport_cc.URI] if sending.sends_transport_feedback else 0
        leg = Leg(sending.codec.payload_type, stamp_id, number_id)
        repair = Leg(sending.repair.payload_type, stamp_id) if sending.repair else None
        estimator = Estimator() if sending.sends_transport_feedback else None
        self.downlinks[track.kind] = Downlink(track, leg, repair, estimator)

    def connect(self) -> None:
        """The transport has keys: media may flow."""
        self.connected = True
        for downlink in self.downlinks.values():
            self.transport.connect_leg(downlink.leg, downlink.track.ssrc)
            if downlink.repair is not None:
                self.transport.connect_leg(downlink.repair, downlink.track.repair_ssrc)

    def move_to(self, address: Address) -> None:
        """The peer is to be reached at another address."""
        for downlink in self.downlinks.values():
            downlink.leg.address = address
            if downlink.repair is not None:
                downlink.repair.address = address

    def on_report(self, kind: str, lost: float, rtt_s: float | None) -> None:
        """A report block of the viewer's: how a track arrives."""
        self.lost[kind] = lost
        if rtt_s is not None:
            self.rtt.on_report(rtt_s)

    def count_second(self) -> None:
        """Call about once a second: what may be retransmitted follows what is sent."""
        sent = [downlink.layer for downlink in self.downlinks.values()]
        per_s = sum(layer.packets_per_s for layer in sent if layer)
        self.retransmits.per_s = max(RETRANSMITS_PER_S_MIN, per_s * RETRANSMITS_SHARE)
