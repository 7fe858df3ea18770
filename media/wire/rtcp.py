"""RTCP packets (RFC 3550 section 6, RFC 4585 section 6), parsed with aiortc's `RtcpPacket`."""

import struct
from collections.abc import Iterable, Sequence

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from media.errors import Malformed
from media.wire import transport_cc
from media.wire.reception import Reception

PACKETS_MAX = 16
REPORT_BLOCKS_MAX = 16  # of all packets of a compound packet
NACK_ENTRIES_MAX = 64  # of up to 17 lost packets each; more than that needs a key frame
_HEADER_BYTES = 4
_FEEDBACK_BYTES = 12  # header and both SSRCs
_PADDED = 0x20
OUR_SSRC = 1  # we send feedback, never media, under this number

Packet = AnyRtcpPacket | transport_cc.TransportFeedback


def parse(raw: bytes) -> list[Packet]:
    """Parse a compound packet.

    Raises:
        Malformed: Broken, or too many packets or report blocks.
    """
    rest, packets = _without_feedback(raw)
    try:
        packets += RtcpPacket.parse(rest) if rest else ()
    except (ValueError, IndexError, LookupError, UnicodeDecodeError, AssertionError) as error:
        raise Malformed(str(error)) from None
    except Exception as error:  # struct.error, for which aiortc lets truncated parts through
        if type(error).__module__ != "struct":
            raise
        raise Malformed(str(error)) from None
    if len(packets) > PACKETS_MAX:
        raise Malformed("too many packets in one")
    if sum(len(report_blocks(packet)) for packet in packets) > REPORT_BLOCKS_MAX:
        raise Malformed("too many reports in one")
    return packets


def _without_feedback(raw: bytes) -> tuple[bytes, list[Packet]]:
    """Return a compound packet without its transport-wide feedback, and that feedback.

    NACKs are cut to NACK_ENTRIES_MAX.
    """
    rest, feedback, at = b"", list[Packet](), 0
    if RTCP_RTPFB not in raw[1::4]:
        return raw, feedback
    while at + _HEADER_BYTES <= len(raw):
        end = at + _HEADER_BYTES + 4 * int.from_bytes(raw[at + 2 : at + 4], "big")
        part, at = raw[at:end], end
        if not transport_cc.is_feedback(part):
            rest += _shortened(part)
            continue
        padding = part[-1] if part[0] & _PADDED else 0
        report = transport_cc.parse(part[_HEADER_BYTES : len(part) - padding])
        if report is not None:
            feedback.append(report)
    return rest + raw[at:], feedback


def _shortened(part: bytes) -> bytes:
    """Return a packet; of a NACK (RFC 4585 section 6.2.1) the first NACK_ENTRIES_MAX entries."""
    most = _FEEDBACK_BYTES + 4 * NACK_ENTRIES_MAX
    if part[1] != RTCP_RTPFB or len(part) <= most:
        return part
    first = (part[0] & ~_PADDED).to_bytes(1, "big")
    return first + part[1:2] + (most // 4 - 1).to_bytes(2, "big") + part[4:most]


def is_key_frame_request(packet: Packet) -> bool:
    """Whether this is a PLI (RFC 4585 section 6.3.1) or a FIR (RFC 5104 section 4.3.1)."""
    return isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR)


def lost_packets(packet: Packet) -> Sequence[int]:
    """Return the 16-bit numbers that a NACK reports lost; of another packet, none."""
    if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
        return [number & 0xFFFF for number in packet.lost]  # a bit mask may reach over the end
    return ()


def estimate(packet: Packet) -> int | None:
    """Return a receiver's estimated maximum bitrate in bit/s (REMB); of another packet, None."""
    if not isinstance(packet, RtcpPsfbPacket) or packet.fmt != RTCP_PSFB_APP:
        return None
    try:
        return unpack_remb_fci(packet.fci)[0]
    except (ValueError, IndexError, struct.error):
        return None


def empty_report() -> bytes:
    """Return the empty receiver report that begins a compound packet (RFC 3550 section 6.1)."""
    return bytes(RtcpRrPacket(ssrc=OUR_SSRC))


def picture_loss_indication(media_ssrc: int) -> bytes:
    """Return a PLI (RFC 4585 section 6.3.1)."""
    return empty_report() + bytes(
        RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=OUR_SSRC, media_ssrc=media_ssrc)
    )


def negative_acknowledgement(media_ssrc: int, lost: Iterable[int]) -> bytes:
    """Return a NACK for `lost`, 16-bit numbers (RFC 4585 section 6.2.1)."""
    return empty_report() + bytes(
        RtcpRtpfbPacket(
            fmt=RTCP_RTPFB_NACK, ssrc=OUR_SSRC, media_ssrc=media_ssrc, lost=sorted(lost)
        )
    )


def report_blocks(packet: Packet) -> Sequence[RtcpReceiverInfo]:
    """Return the report blocks of a receiver or sender report (RFC 3550 section 6.4)."""
    return packet.reports if isinstance(packet, (RtcpRrPacket, RtcpSrPacket)) else ()


def receiver_report(receptions: Sequence[Reception]) -> bytes:
    """Return a receiver report on a host's streams (RFC 3550 section 6.4.2)."""
    blocks = [
        RtcpReceiverInfo(
            ssrc=one.ssrc,
            fraction_lost=one.fraction_lost,
            packets_lost=one.packets_lost,
            highest_sequence=one.highest_sequence,
            jitter=one.jitter,
            lsr=one.last_report,
            dlsr=one.since_last_report,
        )
        for one in receptions
    ]
    return bytes(RtcpRrPacket(ssrc=OUR_SSRC, reports=blocks))


def sender_report(ssrc: int, *, ntp_time: int, timestamp: int, packets: int, octets: int) -> bytes:
    """Return a sender report (RFC 3550 section 6.4.1) and the SDES packet that must follow."""
    info = RtcpSenderInfo(
        ntp_timestamp=ntp_time,
        rtp_timestamp=timestamp,
        packet_count=packets & 0xFFFFFFFF,
        octet_count=octets & 0xFFFFFFFF,
    )
    name = RtcpSourceInfo(ssrc=ssrc, items=[(1, b"live")])
    return bytes(RtcpSrPacket(ssrc=ssrc, sender_info=info)) + bytes(RtcpSdesPacket(chunks=[name]))
