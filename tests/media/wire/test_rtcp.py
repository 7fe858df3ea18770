"""RTCP of peers is parsed within bounds."""

import pytest
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from media.errors import Malformed
from media.wire import rtcp
from media.wire.rtcp import NACK_ENTRIES_MAX, OUR_SSRC, REPORT_BLOCKS_MAX


def nack(entries: int, *, padded: bool = False) -> bytes:
    """A NACK of 17 packets an entry, all different."""
    padding = b"\x00\x00\x00\x04" if padded else b""
    body = OUR_SSRC.to_bytes(4, "big") + (7).to_bytes(4, "big")
    for entry in range(entries):
        body += (entry * 17).to_bytes(2, "big") + b"\xff\xff"
    body += padding
    first = 0x81 | (0x20 if padded else 0)
    return bytes([first, 205]) + (len(body) // 4).to_bytes(2, "big") + body


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("entries", [1, NACK_ENTRIES_MAX, NACK_ENTRIES_MAX + 1, 350])
def test_a_nack_is_cut_to_nack_entries_max(entries: int, padded: bool) -> None:
    report, request = rtcp.parse(rtcp.empty_report() + nack(entries, padded=padded))
    assert isinstance(report, RtcpRrPacket)
    count = 17 * min(entries, NACK_ENTRIES_MAX)
    assert list(rtcp.lost_packets(request)) == list(range(count))


def test_a_pli_after_an_oversized_nack_is_parsed() -> None:
    packets = rtcp.parse(nack(350) + rtcp.picture_loss_indication(7))
    assert [rtcp.is_key_frame_request(packet) for packet in packets] == [False, False, True]


def test_more_than_report_blocks_max_are_refused() -> None:
    block = RtcpReceiverInfo(7, 0, 0, 1, 0, 0, 0)
    fits = bytes(RtcpRrPacket(ssrc=1, reports=[block] * REPORT_BLOCKS_MAX))
    assert len(rtcp.report_blocks(rtcp.parse(fits)[0])) == REPORT_BLOCKS_MAX
    with pytest.raises(Malformed, match="reports"):
        rtcp.parse(fits + bytes(RtcpRrPacket(ssrc=1, reports=[block])))
