"""RTCP of a live: viewers' reports and requests, and the host's clock passed on to viewers.

Pure: `now` is monotonic seconds.
"""

from aiortc.rtp import RtcpReceiverInfo, RtcpSrPacket

from media.forwarding.downlink import Downlink
from media.forwarding.live import Live
from media.forwarding.track import Track
from media.forwarding.viewer import Viewer
from media.stream.layer import Layer
from media.wire import rtcp
from media.wire.transport_cc import TransportFeedback


def on_packet(live: Live, viewer: Viewer, packet: rtcp.Packet, *, now: float) -> None:
    """Take one packet of a viewer's compound packet."""
    if isinstance(packet, TransportFeedback):
        on_transport_feedback(viewer, packet, now=now)
        return
    for block in rtcp.report_blocks(packet):
        on_report(viewer, block, now=now)
    estimate = rtcp.estimate(packet)
    if estimate is not None:
        on_estimate(viewer, estimate, now=now)
        return
    if rtcp.is_key_frame_request(packet):
        if viewer.video is not None:
            live.forwarder.request_key_frame(viewer, viewer.video, now=now)
            live.send_feedback(now=now)
        return
    lost = rtcp.lost_packets(packet)
    for downlink in viewer.downlinks.values() if lost else ():
        if downlink.track.ssrc == getattr(packet, "media_ssrc", 0):
            live.forwarder.retransmit(viewer, downlink, lost, now=now)


def on_report(viewer: Viewer, block: RtcpReceiverInfo, *, now: float) -> None:
    """A report block: how one of our SSRCs arrives."""
    for kind, downlink in viewer.downlinks.items():
        track = downlink.track
        if kind == "video" and block.ssrc in (track.ssrc, track.repair_ssrc):
            highest, lost = block.highest_sequence, block.packets_lost
            is_repair = block.ssrc != track.ssrc
            in_flight = downlink.retransmits_in_flight(highest) if is_repair else 0
            viewer.link.on_report(
                highest, lost, in_flight=in_flight, retransmits=is_repair, now=now
            )
            if not is_repair:
                _on_in_flight(viewer, downlink, downlink.in_flight(highest), now)
        if track.ssrc == block.ssrc:
            rtt_s = track.round_trip_s(block.lsr, block.dlsr, now=now)
            viewer.on_report(kind, block.fraction_lost / 256, rtt_s)
            if kind == "video" and rtt_s is not None and block.lsr != downlink.answered:
                downlink.answered = block.lsr
                viewer.link.on_rtt(rtt_s, now=now)


def on_estimate(viewer: Viewer, bits_per_s: float, *, now: float) -> None:
    """The browser's estimate of what the link carries (REMB); of two estimates one is enough."""
    downlink = viewer.video
    if downlink is None or downlink.estimator is None:
        viewer.link.on_estimate(bits_per_s, now=now)


def on_transport_feedback(viewer: Viewer, report: TransportFeedback, *, now: float) -> None:
    """When packets of the video arrived (transport-wide congestion control)."""
    downlink = viewer.video
    if downlink is None or downlink.estimator is None:
        return
    in_flight = downlink.in_flight(report.first + report.last)
    arrival = downlink.arrival(report, in_flight)
    if arrival is not None:
        estimate = downlink.estimator.on_arrival(arrival, now=now)
        viewer.link.on_estimate(estimate, now=now)
    _on_in_flight(viewer, downlink, in_flight, now)


def _on_in_flight(viewer: Viewer, downlink: Downlink, in_flight: int, now: float) -> None:
    viewer.link.on_in_flight(in_flight, now=now)
    oldest_in_flight_s = downlink.oldest_in_flight_s(in_flight, now=now)
    if oldest_in_flight_s is not None:
        viewer.link.on_oldest_in_flight(oldest_in_flight_s, now=now)
    layer, queuing_delay_s = downlink.layer, downlink.queuing_delay_s(in_flight, now=now)
    if queuing_delay_s is not None and layer is not None and layer.packet_bits:
        highest = downlink.next_number() - 1 - in_flight
        viewer.link.on_queuing_delay(highest, queuing_delay_s, layer.packet_bits, now=now)


def pass_sender_report(
    live: Live, track: Track, layer: Layer, report: RtcpSrPacket, *, now: float
) -> None:
    """Send viewers the host's clock, in our numbers (RFC 3550 section 6.4.1)."""
    source = layer.source
    if source is None or source.ssrc != report.ssrc:
        return
    info = report.sender_info
    source.on_report(info.ntp_timestamp, info.rtp_timestamp, now=now)
    timestamp = source.timestamp_of(info.rtp_timestamp)
    if timestamp is None:
        return
    send_clock(live, track, layer, info.ntp_timestamp, timestamp, now=now)


def send_clock(
    live: Live, track: Track, layer: Layer, ntp_time: int, timestamp: int, *, now: float
) -> None:
    """Send viewers a sender report: `ntp_time` (64 bits) is the layer's `timestamp`."""
    layer.clock = (ntp_time, timestamp)
    track.note_report(ntp_time >> 16 & 0xFFFFFFFF, now=now)
    packets: dict[int, bytes] = {}
    for viewer in live.viewers.values():
        downlink = viewer.downlinks.get(track.kind)
        if not viewer.connected or downlink is None or downlink.layer is not layer:
            continue
        ticks = downlink.leg.ticks
        packet = packets.get(ticks)
        if packet is None:
            packet = packets[ticks] = rtcp.sender_report(
                track.ssrc,
                ntp_time=ntp_time,
                timestamp=timestamp + ticks & 0xFFFFFFFF,
                packets=layer.packets_sent,
                octets=layer.octets_sent,
            )
        viewer.transport.send_rtcp(packet)
