"""What is told of streams on their way: viewers of how ours arrive, hosts of their clocks.

Runs on the event loop's thread.
"""

from aiortc.rtp import RtcpReceiverInfo, RtcpSrPacket

from media.forwarding.downlink import Downlink
from media.forwarding.live import Live, Track
from media.io.webrtc.session import Session
from media.stream.layer import Layer
from media.wire import rtcp
from media.wire.transport_cc import TransportFeedback


def on_report(room: Live, session: Session, block: RtcpReceiverInfo, *, now: float) -> None:
    """A viewer says how one of our streams arrives."""
    for kind, downlink in session.downlinks.items():
        track = room.tracks[kind]
        if kind == "video" and block.ssrc in (track.ssrc, track.repair_ssrc):
            highest, lost = block.highest_sequence, block.packets_lost
            repeats = block.ssrc != track.ssrc
            in_flight = downlink.retransmits_in_flight(highest) if repeats else 0
            session.link.on_report(highest, lost, in_flight=in_flight, retransmits=repeats, now=now)
            if not repeats:
                _hear_under_way(session, downlink, downlink.in_flight(highest), now)
        if track.ssrc == block.ssrc:
            rtt_s = track.round_trip_s(block.lsr, block.dlsr, now=now)
            session.on_report(kind, block.fraction_lost / 256, rtt_s)
            if kind == "video" and rtt_s is not None and block.lsr != downlink.answered:
                downlink.answered = block.lsr
                session.link.on_rtt(rtt_s, now=now)


def on_estimate(session: Session, bits_per_s: float, *, now: float) -> None:
    """A viewer's browser says what its line carries; of two estimates one is enough."""
    downlink = session.downlinks.get("video")
    if downlink is None or downlink.estimator is None:
        session.link.on_estimate(bits_per_s, now=now)


def on_transport_feedback(session: Session, told: TransportFeedback, *, now: float) -> None:
    """A viewer says when packets of the picture came."""
    downlink = session.downlinks.get("video")
    if downlink is None or downlink.estimator is None:
        return
    in_flight = downlink.in_flight(told.first + told.last)
    arrival = downlink.arrival(told, in_flight)
    if arrival is not None:
        estimate = downlink.estimator.on_arrival(arrival, now=now)
        session.link.on_estimate(estimate, now=now)
    _hear_under_way(session, downlink, in_flight, now)


def _hear_under_way(session: Session, downlink: Downlink, in_flight: int, now: float) -> None:
    session.link.on_in_flight(in_flight, now=now)
    oldest_in_flight_s = downlink.oldest_in_flight_s(in_flight, now=now)
    if oldest_in_flight_s is not None:
        session.link.on_oldest_in_flight(oldest_in_flight_s, now=now)
    layer, queuing_delay_s = downlink.layer, downlink.queuing_delay_s(in_flight, now=now)
    if queuing_delay_s is not None and layer is not None and layer.packet_bits:
        highest = downlink.next_number() - 1 - in_flight
        session.link.on_queuing_delay(highest, queuing_delay_s, layer.packet_bits, now=now)


def pass_sender_report(
    room: Live, track: Track, layer: Layer, report: RtcpSrPacket, *, now: float
) -> None:
    """Tell viewers what the host says of its clock, in our numbers (RFC 3550 section 6.4.1)."""
    source = layer.source
    if source is None or source.ssrc != report.ssrc:
        return
    info = report.sender_info
    source.on_report(info.ntp_timestamp, info.rtp_timestamp, now=now)
    timestamp = source.timestamp_of(info.rtp_timestamp)
    if timestamp is None:
        return
    track.note_report(info.ntp_timestamp >> 16 & 0xFFFFFFFF, now=now)
    texts: dict[int, bytes] = {}
    for viewer in room.viewers.values():
        downlink = viewer.downlinks.get(track.kind)
        if viewer.outbound is None or downlink is None or downlink.layer is not layer:
            continue
        ticks = downlink.leg.ticks
        text = texts.get(ticks)
        if text is None:
            text = texts[ticks] = rtcp.sender_report(
                track.ssrc,
                ntp_time=info.ntp_timestamp,
                timestamp=timestamp + ticks & 0xFFFFFFFF,
                packets=layer.packets_sent,
                octets=layer.octets_sent,
            )
        viewer.send(viewer.outbound.protect_rtcp(text))
