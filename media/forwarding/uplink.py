"""What a host sends: which packet is of which layer, and what the host must hear of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from media.stream.layer import KEY_AFTER_S, Track
from media.wire import rtcp, transport_cc
from media.wire.rtp import Packet, extensions, repeated
from media.wire.sdp import REPAIRED_RID_URI, RID_URI, Sending
from media.wire.transport_cc import Arrivals

SOURCES_MAX = 16


class Layers(Protocol):
    """A stream, as far as it is needed here."""

    kind: str
    layers: list[Track]


class Uplink:
    """State of one host; `media.io.relay` drives it and sends what it returns."""

    def __init__(
        self,
        streams: Mapping[str, Layers],
        sendings: Mapping[str, Sending],
        counted: Counter[str],
    ) -> None:
        """`streams` and what was answered for them by kind, video among them."""
        extension_ids = sendings["video"].section.extensions
        self._streams = streams
        self._kinds = {each.codec.payload_type: kind for kind, each in sendings.items()}
        # Of repeats (RFC 4588) → of what they repeat.
        self._repeats: dict[int, int] = {}
        for kind, each in sendings.items():
            if each.repair is not None:
                self._kinds[each.repair.payload_type] = kind
                self._repeats[each.repair.payload_type] = each.codec.payload_type
        self._rid_id = extension_ids.get(RID_URI, 0)
        self._repaired_rid_id = extension_ids.get(REPAIRED_RID_URI, 0)
        self._number_id = extension_ids.get(transport_cc.URI, 0)
        self._counted = counted
        self._sources: dict[int, Track] = {}  # by SSRC
        self._arrivals = Arrivals()
        self._reported_at = 0.0

    @property
    def sources(self) -> Mapping[int, Track]:
        """Which layer an SSRC is of."""
        return self._sources

    def take(self, packet: Packet, clear: bytes, *, now: float) -> Track | None:
        """Hand a packet to the layer it is of, and return that; `clear` is the whole of it.

        None: it is of none that was negotiated.
        """
        repeats = self._repeats.get(packet.payload_type)
        track = self._sources.get(packet.ssrc)
        if track is None or self._number_id:
            found = extensions(clear)
            number = found.get(self._number_id, b"")
            if len(number) == 2:
                self._arrivals.receive(int.from_bytes(number, "big"), now=now)
            if track is None:
                rid_id = self._rid_id if repeats is None else self._repaired_rid_id
                track = self._find(packet, found.get(rid_id, b""))
        if track is None:
            return None
        if repeats is None:
            track.receive(packet, now=now)
        elif (original := repeated(packet, repeats)) is not None:
            track.repair(original, now=now)
        return track

    def _find(self, packet: Packet, rid: bytes) -> Track | None:
        stream = self._streams.get(self._kinds.get(packet.payload_type, ""))
        if stream is None:
            return None
        name = rid.decode("ascii", "replace")
        for layer in stream.layers:
            # Who negotiated no layers sends one, under whatever name.
            if layer.rid in ("", name):
                if len(self._sources) >= SOURCES_MAX:
                    self._sources.clear()
                self._sources[packet.ssrc] = layer
                return layer
        return None

    def repairs(self, *, now: float) -> list[bytes]:
        """Return requests for lost packets and for key frames that are due."""
        out = []
        for ssrc, track in self._video():
            lost = track.nacks.due(track.missing(), now=now)
            if lost is None or track.waits_s(now=now) > KEY_AFTER_S:
                track.keys.want()
            if lost:
                self._counted["nacks"] += 1
                out.append(rtcp.negative_acknowledgement(ssrc, lost))
            if track.keys.due(now=now):
                self._counted["keys"] += 1
                out.append(rtcp.picture_loss(ssrc))
        if self._number_id and now - self._reported_at >= transport_cc.REPORT_EVERY_S:
            self._reported_at = now
            media_ssrc = next(iter(self._sources), 0)
            report = self._arrivals.report(rtcp.OUR_SSRC, media_ssrc)
            if report is not None:
                out.append(rtcp.empty_report() + report)
        return out

    def report(self, *, now: float) -> bytes | None:
        """Return how the host's streams arrive; None: nothing came yet."""
        sources = {track.source: None for track in self._sources.values() if track.source}
        if not sources:
            return None
        return rtcp.receiver_report([source.report(now=now) for source in sources])

    def _video(self) -> list[tuple[int, Track]]:
        """Return the layers of the picture with the SSRC that the host gives them now."""
        return [
            (track.source.ssrc, track)
            for track in {track: None for track in self._sources.values()}
            if track.kind == "video" and track.source is not None
        ]
