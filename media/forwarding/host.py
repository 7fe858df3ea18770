"""A WebRTC host as the source of a live. Pure: ICE, DTLS and SRTP are its `transport`'s."""

from collections import Counter
from collections.abc import Mapping, Sequence

from media.forwarding.ports import Transport
from media.forwarding.rtt import Rtt
from media.forwarding.uplink import Uplink
from media.stream.layer import Layer
from media.stream.parameter_sets import ParameterSets
from media.stream.ports import TrackFormat
from media.wire.rtp import Packet
from media.wire.sdp import Sending


class Host:
    """A `Source`: what `take` receives goes to the layers that the live has attached."""

    def __init__(
        self,
        peer_id: str,
        room_id: str,
        transport: Transport,
        rtt: Rtt,
        sendings: Mapping[str, Sending],
        counted: Counter[str],
    ) -> None:
        """`sendings` is what was negotiated, by kind; `counted` counts NACKs and requests."""
        self.id = peer_id
        self.room_id = room_id
        self.rtt = rtt
        self.connected = False
        self.last_media_at = 0.0
        self.tracks = {
            kind: TrackFormat(each.codec, each.section.rids or ("",))
            for kind, each in sendings.items()
        }
        self._transport = transport
        self._sendings = sendings
        self._counted = counted
        self._uplink: Uplink | None = None

    @property
    def round_trip_s(self) -> float:
        """How long a request for a lost packet takes there and back at least."""
        return self.rtt.handshake_s

    def attach(self, layers: Mapping[str, Sequence[Layer]]) -> None:
        """Fill these from now on, by kind."""
        for layer in layers.get("video", ()):
            layer.parameter_sets = ParameterSets(self.tracks["video"].codec.parameter_sets)
        self._uplink = Uplink(layers, self._sendings, self._counted)

    def take(self, packet: Packet, clear: bytes, *, now: float) -> Layer | None:
        """Take an RTP packet, `clear` the whole of it; return the layer to deliver, if any."""
        self.last_media_at = now
        return self._uplink.take(packet, clear, now=now) if self._uplink else None

    def send_feedback(self, *, now: float) -> None:
        """Send the NACKs, key frame requests and reports that are due."""
        if self._uplink is not None and self.connected:
            for packet in self._uplink.feedback(now=now):
                self._transport.send_rtcp(packet)

    def close(self) -> None:
        """The live goes on without it."""
        self._transport.close()
