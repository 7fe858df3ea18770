"""RTP from a host: which packet is of which layer, and what the host receives as feedback."""

from collections import Counter
from collections.abc import Mapping, Sequence

from media.stream.layer import KEY_FRAME_REQUEST_AFTER_S, Layer
from media.wire import rtcp, transport_cc
from media.wire.rtp import Packet, extensions, original_of
from media.wire.sdp import REPAIRED_RID_URI, RID_URI, Sending
from media.wire.transport_cc import Arrivals

SOURCES_MAX = 16
REPORT_INTERVAL_S = 1.0


class Uplink:
    """State of one host's RTP streams; `Host` drives it and sends what it returns."""

    def __init__(
        self,
        layers: Mapping[str, Sequence[Layer]],
        sendings: Mapping[str, Sending],
        counted: Counter[str],
    ) -> None:
        """`layers` and what was negotiated for them by kind, video among them."""
        extension_ids = sendings["video"].section.extensions
        self._layers = layers
        self._kinds = {each.codec.payload_type: kind for kind, each in sendings.items()}
        # Payload type of retransmits (RFC 4588) → of their originals.
        self._originals: dict[int, int] = {}
        for kind, each in sendings.items():
            if each.repair is not None:
                self._kinds[each.repair.payload_type] = kind
                self._originals[each.repair.payload_type] = each.codec.payload_type
        self._rid_id = extension_ids.get(RID_URI, 0)
        self._repaired_rid_id = extension_ids.get(REPAIRED_RID_URI, 0)
        self._number_id = extension_ids.get(transport_cc.URI, 0)
        self._counted = counted
        self._sources: dict[int, Layer] = {}  # by SSRC
        self._arrivals = Arrivals()
        self._feedback_at = self._reported_at = 0.0

    @property
    def sources(self) -> Mapping[int, Layer]:
        """Which layer an SSRC is of."""
        return self._sources

    def take(self, packet: Packet, clear: bytes, *, now: float) -> Layer | None:
        """Hand a packet to the layer it is of, and return that; `clear` is the whole of it.

        None: it is of none that was negotiated.
        """
        original_type = self._originals.get(packet.payload_type)
        layer = self._sources.get(packet.ssrc)
        if layer is None or self._number_id:
            found = extensions(clear)
            number = found.get(self._number_id, b"")
            if len(number) == 2:
                self._arrivals.receive(int.from_bytes(number, "big"), now=now)
            if layer is None:
                rid_id = self._rid_id if original_type is None else self._repaired_rid_id
                layer = self._find(packet, found.get(rid_id, b""))
        if layer is None:
            return None
        if original_type is None:
            layer.receive(packet, now=now)
        elif (original := original_of(packet, original_type)) is not None:
            layer.receive_retransmit(original, now=now)
        return layer

    def _find(self, packet: Packet, rid: bytes) -> Layer | None:
        name = rid.decode("ascii", "replace")
        for layer in self._layers.get(self._kinds.get(packet.payload_type, ""), ()):
            # A host that negotiated no layers sends one, under whatever name.
            if layer.rid in ("", name):
                if len(self._sources) >= SOURCES_MAX:
                    self._sources.clear()
                self._sources[packet.ssrc] = layer
                return layer
        return None

    def feedback(self, *, now: float) -> list[bytes]:
        """Return the NACKs, key frame requests and reports that are due."""
        out = []
        for ssrc, layer in self._video():
            lost = layer.nacks.due(layer.missing(), now=now)
            if lost is None or layer.blocked_s(now=now) > KEY_FRAME_REQUEST_AFTER_S:
                layer.keys.request()
            if lost:
                self._counted["nacks"] += 1
                out.append(rtcp.negative_acknowledgement(ssrc, lost))
            if layer.keys.due(now=now):
                self._counted["keys"] += 1
                out.append(rtcp.picture_loss_indication(ssrc))
        if self._number_id and now - self._feedback_at >= transport_cc.FEEDBACK_INTERVAL_S:
            self._feedback_at = now
            media_ssrc = next(iter(self._sources), 0)
            report = self._arrivals.report(rtcp.OUR_SSRC, media_ssrc)
            if report is not None:
                out.append(rtcp.empty_report() + report)
        if now - self._reported_at >= REPORT_INTERVAL_S:
            self._reported_at = now
            sources = {layer.source: None for layer in self._sources.values() if layer.source}
            if sources:
                out.append(rtcp.receiver_report([source.report(now=now) for source in sources]))
        return out

    def _video(self) -> list[tuple[int, Layer]]:
        """Return the video layers with the SSRC that the host gives them now."""
        return [
            (layer.source.ssrc, layer)
            for layer in {layer: None for layer in self._sources.values()}
            if layer.kind == "video" and layer.source is not None
        ]
