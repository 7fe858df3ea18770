"""What is told of streams on their way: viewers of how ours arrive, hosts of their clocks.

Runs on the event loop's thread.
"""

from aiortc.rtp import RtcpReceiverInfo, RtcpSrPacket

from media.forwarding.downlink import Downlink
from media.forwarding.live import MediaRoom, Stream
from media.io.webrtc.session import Session
from media.stream.layer import Track
from media.wire import rtcp
from media.wire.transport_cc import Told


def hear_report(room: MediaRoom, session: Session, block: RtcpReceiverInfo, *, now: float) -> None:
    """A viewer says how one of our streams arrives."""
    for kind, downlink in session.downlinks.items():
        stream = room.streams[kind]
        if kind == "video" and block.ssrc in (stream.ssrc, stream.repair_ssrc):
            highest, lost = block.highest_sequence, block.packets_lost
            repeats = block.ssrc != stream.ssrc
            under_way = downlink.repeats_under_way(highest) if repeats else 0
            session.line.hear_report(highest, lost, under_way=under_way, repeats=repeats, now=now)
            if not repeats:
                _hear_under_way(session, downlink, downlink.under_way(highest), now)
        if stream.ssrc == block.ssrc:
            rtt_s = stream.round_trip_s(block.lsr, block.dlsr, now=now)
            session.hear_report(kind, block.fraction_lost / 256, rtt_s)
            if kind == "video" and rtt_s is not None and block.lsr != downlink.answered:
                downlink.answered = block.lsr
                session.line.hear_round_trip(rtt_s, now=now)


def hear_estimate(session: Session, bits_per_s: float, *, now: float) -> None:
    """A viewer's browser says what its line carries; of two estimates one is enough."""
    downlink = session.downlinks.get("video")
    if downlink is None or downlink.estimator is None:
        session.line.hear_estimate(bits_per_s, now=now)


def hear_arrivals(session: Session, told: Told, *, now: float) -> None:
    """A viewer says when packets of the picture came."""
    downlink = session.downlinks.get("video")
    if downlink is None or downlink.estimator is None:
        return
    under_way = downlink.under_way(told.first + told.last)
    arrival = downlink.arrival(told, under_way)
    if arrival is not None:
        estimate = downlink.estimator.hear(arrival, now=now)
        session.line.hear_estimate(estimate, now=now)
    _hear_under_way(session, downlink, under_way, now)


def _hear_under_way(session: Session, downlink: Downlink, under_way: int, now: float) -> None:
    session.line.hear_under_way(under_way, now=now)
    behind_s = downlink.behind_s(under_way, now=now)
    if behind_s is not None:
        session.line.hear_behind(behind_s, now=now)
    layer, waits_s = downlink.layer, downlink.waits_s(under_way, now=now)
    if waits_s is not None and layer is not None and layer.packet_bits:
        highest = downlink.next_number() - 1 - under_way
        session.line.hear_waiting(highest, waits_s, layer.packet_bits, now=now)


def pass_sender_report(
    room: MediaRoom, stream: Stream, track: Track, report: RtcpSrPacket, *, now: float
) -> None:
    """Tell viewers what the host says of its clock, in our numbers (RFC 3550 section 6.4.1)."""
    source = track.source
    if source is None or source.ssrc != report.ssrc:
        return
    info = report.sender_info
    source.hear_report(info.ntp_timestamp, info.rtp_timestamp, now=now)
    timestamp = source.timestamp_of(info.rtp_timestamp)
    if timestamp is None:
        return
    stream.note_report(info.ntp_timestamp >> 16 & 0xFFFFFFFF, now=now)
    texts: dict[int, bytes] = {}
    for viewer in room.viewers.values():
        downlink = viewer.downlinks.get(stream.kind)
        if viewer.outbound is None or downlink is None or downlink.layer is not track:
            continue
        ticks = downlink.leg.ticks
        text = texts.get(ticks)
        if text is None:
            text = texts[ticks] = rtcp.sender_report(
                stream.ssrc,
                ntp_time=info.ntp_timestamp,
                timestamp=timestamp + ticks & 0xFFFFFFFF,
                packets=track.packets_sent,
                octets=track.octets_sent,
            )
        viewer.send(viewer.outbound.protect_rtcp(text))
