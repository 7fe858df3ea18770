"""Packets that a viewer is sent once more: lost ones, a key frame's, a frame's last, probes.

Pure: `now` is monotonic seconds.
"""

from collections import Counter
from collections.abc import Sequence

from media.congestion.load import Load
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.ports import FrameSender
from media.forwarding.spans import RetransmitItem
from media.forwarding.viewer import Viewer
from media.stream.frames import Item
from media.stream.layer import Layer

# A browser drops a slice that overtook its parameter sets, and sends no NACK for it, nor for what
# came before its first packet: with a PLI so soon after a key frame it needs that one.
KEY_FRAME_RESEND_S = 0.4
RETRANSMITS_PER_NACK_MAX = 100
PROBE_GAP_S_MAX = 0.2  # what a pause leaves out is not made up for
PADDING_PACKETS = 2


class Retransmitter:
    """Resends single packets, within each viewer's bucket."""

    def __init__(self, sender: FrameSender, load: Load, counted: Counter[str]) -> None:
        self._sender = sender
        self._load = load
        self._counted = counted

    def resend_lost(
        self, viewer: Viewer, downlink: Downlink, lost: Sequence[int], *, now: float
    ) -> None:
        """Resend what a NACK names, as 16-bit sequence numbers."""
        # On a congested link, nothing that the newest key frame has made useless.
        congested = viewer.link.capacity is not None
        for sequence in lost[:RETRANSMITS_PER_NACK_MAX]:
            found = downlink.missed(
                sequence, now=now, rtt_s=viewer.rtt.min_s, newest_only=congested
            )
            if found is None:
                continue
            if not viewer.retransmits.take(now=now):
                self._counted["repeats_refused"] += 1
                return
            self._resend(viewer, downlink, found, now)

    def resend_key_frame(self, viewer: Viewer, downlink: Downlink, *, now: float) -> bool:
        """Resend the newest key frame by itself; False: it is not new, or not H.264."""
        in_flight = now - downlink.key_frame_resent_at < viewer.rtt.min_s
        items = downlink.key_frame_items(since=now - KEY_FRAME_RESEND_S, whole=not in_flight)
        if not items or not self._load.retransmits:
            return False
        downlink.key_frame_resent_at = now
        for item in items:
            if viewer.retransmits.take(now=now):
                self._resend(viewer, downlink, item, now)
        return True

    def duplicate_last_packet(self, viewer: Viewer, downlink: Downlink, *, now: float) -> None:
        """Send the last packet of the newest frame twice, so that a gap before it shows at once."""
        item = downlink.last_packet_item()
        if item is not None and self._load.retransmits and viewer.retransmits.take(now=now):
            self._resend(viewer, downlink, item, now)

    def probe(self, downlink: Downlink, per_s: float, *, now: float) -> None:
        """Resend packets that were not lost, `per_s` bits a second, to try out the link.

        They follow a frame at once: a queue that is full then drops these, and the next frame finds
        it shorter.
        """
        layer, repair, leg = downlink.layer, downlink.repair, downlink.leg
        elapsed, downlink.probed_at = min(PROBE_GAP_S_MAX, now - downlink.probed_at), now
        if layer is None or repair is None or not self._load.retransmits:
            return
        due = round(per_s / 8 * elapsed)
        number = layer.next_unsent - 1
        while due > 0 and number + leg.shift >= downlink.needed_from:
            kept = layer.ring.get(number)
            if kept is not None:
                self._send(downlink, number + leg.shift, kept.item, leg, 0)
                due -= len(kept.item.payload)
            number -= 1

    def pad(self, downlink: Downlink, layer: Layer, *, now: float) -> None:
        """Send padding ahead of the first frame, so that NACK works from the first real packet."""
        leg = downlink.leg
        for _ in range(PADDING_PACKETS):
            number, item = downlink.pad(layer, now=now)
            self._sender.send_retransmit(number - leg.shift, item, 0, downlink.track.ssrc, leg)

    def _resend(
        self, viewer: Viewer, downlink: Downlink, found: RetransmitItem, now: float
    ) -> None:
        downlink.note_retransmit(found.number, now=now)
        self._send(downlink, found.number, found.item, found.span.leg, found.ticks)
        viewer.resent += 1
        self._counted["resent"] += 1

    def _send(self, downlink: Downlink, number: int, item: Item, leg: Leg, ticks: int) -> None:
        track = downlink.track
        if downlink.repair is None:
            self._sender.send_retransmit(number - leg.shift, item, ticks, track.ssrc, leg)
            return
        moved = item._replace(
            timestamp=item.timestamp + leg.ticks + ticks & 0xFFFFFFFF,
            payload=(number & 0xFFFF).to_bytes(2, "big") + item.payload,
        )
        own = downlink.repair_number
        downlink.repair_number += 1
        self._sender.send_retransmit(own, moved, 0, track.repair_ssrc, downlink.repair)
