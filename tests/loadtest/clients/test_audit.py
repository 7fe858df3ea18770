"""Gaps, duplicates and freezes are counted."""

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from loadtest.clients.audit import (
    FreezeAudit,
    OffsetAudit,
    SequenceAudit,
    receiver_report,
    remb,
    transport_feedback,
)
from loadtest.clients.parameter_sets import LayerAudit, sequence_parameter_set
from media.wire import rtcp
from media.wire.transport_cc import TransportFeedback


def test_packets_in_order_are_complete_across_the_wrap() -> None:
    audit = SequenceAudit()
    for first in (65_530, 65_534, 2):
        audit.take(first, 4)
    assert (audit.packets, audit.missing, audit.late) == (12, 0, 0)
    assert audit.highest == 65_536 + 5


def test_a_gap_is_missing_until_it_is_filled() -> None:
    audit = SequenceAudit()
    audit.take(10, 2)
    audit.take(15, 1)
    assert audit.missing == 3
    audit.take(12, 1)
    assert (audit.missing, audit.late, audit.packets) == (2, 1, 4)


@given(
    first=st.integers(0, 65_535),
    runs=st.lists(st.tuples(st.integers(1, 64), st.booleans()), max_size=200),
)
def test_missing_counts_every_dropped_packet(first: int, runs: list[tuple[int, bool]]) -> None:
    audit = SequenceAudit()
    audit.take(first, 1)
    number, sent, left_out, pending = (first + 1) & 0xFFFF, 1, 0, 0
    for count, dropped in runs:
        if dropped:
            pending += count
        else:
            audit.take(number, count)
            sent, left_out, pending = sent + count, left_out + pending, 0
        number = (number + count) & 0xFFFF
    assert (audit.packets, audit.missing, audit.late) == (sent, left_out, 0)


def test_a_receiver_report_carries_loss_and_highest_number() -> None:
    audit = SequenceAudit()
    audit.take(7, 2)
    audit.take(12, 1)
    report = receiver_report(1, 0xABCD, audit)
    flags, kind, words, own, ssrc, lost, highest = struct.unpack_from("!BBHIIII", report)
    assert (flags, kind, (words + 1) * 4) == (0x81, 201, len(report))
    assert (own, ssrc, lost, highest) == (1, 0xABCD, 3, 12)


def shown(*pauses_s: float) -> FreezeAudit:
    audit, now = FreezeAudit(), 1.0
    audit.frame(now)
    for pause_s in pauses_s:
        now += pause_s
        audit.frame(now)
    return audit


@pytest.mark.parametrize(
    ("frame_s", "pause_s", "freezes"),
    [(0.04, 0.18, 0), (0.04, 0.2, 1), (0.1, 0.24, 0), (0.1, 0.31, 1), (0.01, 0.15, 0)],
)
def test_a_freeze_is_thrice_the_average_frame_and_150_ms_longer(
    frame_s: float, pause_s: float, freezes: int
) -> None:
    audit = shown(*[frame_s] * 30, pause_s, frame_s)
    assert audit.freezes == freezes
    assert audit.longest_s == pytest.approx(pause_s)


def test_the_average_is_of_the_last_30_frames() -> None:
    assert shown(*[0.5] * 40, *[0.04] * 30, 0.3).freezes == 1
    slow = [0.04] * 40 + [0.5] * 30
    assert shown(*slow, 0.3).freezes == shown(*slow).freezes


def test_video_is_frozen_before_the_next_frame_says_so() -> None:
    audit = shown(*[0.04] * 25)
    assert not audit.is_frozen(2.1)
    assert audit.is_frozen(2.3)
    assert not FreezeAudit().is_frozen(9.0)


def rtp(payload: bytes, *, extension: bool = False) -> bytes:
    head = bytes((0x90 if extension else 0x80, 102)) + bytes(10)
    return head + (b"\xbe\xde\0\1abcd" if extension else b"") + payload


def stap_a(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


@pytest.mark.parametrize("extension", [False, True])
def test_another_sequence_parameter_set_is_another_layer(extension: bool) -> None:
    audit = LayerAudit()
    small, large, pps, slice_ = b"\x67small", b"\x67large", b"\x68pps", b"\x65slice"
    for payload in (stap_a(small, pps), slice_, stap_a(small, pps), large, pps, stap_a(pps)):
        audit.take(rtp(payload, extension=extension))
    assert (audit.seen, audit.changes) == (3, 1)


@given(st.binary(min_size=12, max_size=60))
def test_any_packet_is_looked_into(packet: bytes) -> None:
    found = sequence_parameter_set(packet)
    assert found is None or found[0] & 0x1F == 7


def test_room_events_in_order_have_no_gap() -> None:
    audit = OffsetAudit()
    audit.tick("e", 3, [3])  # before the first snapshot: not ours
    audit.snapshot("e", 4)
    audit.tick("e", 6, [5, 6])
    audit.tick("e", 6, [])
    assert (audit.events, audit.gaps, audit.duplicates) == (2, 0, 0)


def test_room_gaps_duplicates_and_new_epochs_are_counted() -> None:
    audit = OffsetAudit()
    audit.snapshot("e", 4)
    audit.tick("e", 7, [6, 7])
    assert audit.gaps == 1
    audit.tick("e", 7, [7])
    assert audit.duplicates == 1
    audit.tick("e", 9, [])
    assert audit.gaps == 2
    audit.tick("f", 1, [1])
    assert audit.gaps == 3


def test_transport_feedback_is_parsed_by_the_server() -> None:
    lost_before = [(5, 2, 100.0)]
    arrivals = [(65_533, 4, 100.01), (1, 6, 100.05), (7, 1, 100.07)]
    report = transport_feedback(1, 9, 260, lost_before + arrivals)
    assert len(report) % 4 == 0
    [parsed] = rtcp.parse(report)
    assert isinstance(parsed, TransportFeedback)
    assert parsed[:4] == (65_533, 11, 11, 10)
    assert abs(parsed.at - 100.07) < 0.001
    assert report[19] == 260 & 0xFF


def test_remb_has_the_estimate() -> None:
    [packet] = RtcpPacket.parse(remb(1, 9, 5_000_000))
    assert isinstance(packet, RtcpPsfbPacket)
    bits_per_s, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == [9]
    assert 4_900_000 < bits_per_s <= 5_000_000
