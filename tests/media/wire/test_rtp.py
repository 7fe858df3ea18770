"""RTP parsing agrees with aiortc's, and key frames are recognised."""

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtp
from media.wire.rtp import PAYLOAD_BYTES_MAX, parse, sets_parameters, starts_key_frame, unwrap


@given(
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    marker=st.booleans(),
    csrc=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    payload=st.binary(max_size=100),
    padding=st.integers(0, 20),
)
def test_parse_reads_packets_of_aiortc(
    sequence: int, timestamp: int, marker: bool, csrc: list[int], payload: bytes, padding: int
) -> None:
    packet = RtpPacket(96, int(marker), sequence, timestamp, 7, payload)
    packet.csrc, packet.padding_size = csrc, padding
    raw = packet.serialize()
    read = parse(raw)
    assert (read.payload_type, read.marker, read.sequence) == (96, marker, sequence)
    assert (read.timestamp, read.ssrc, read.payload) == (timestamp, 7, payload)


def test_header_extensions_are_skipped() -> None:
    raw = bytes.fromhex("90600001000000020000000300010002aabbccddeeff0011") + b"payload"
    assert parse(raw).payload == b"payload"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(11),
        bytes.fromhex("406000010000000200000003"),  # version 1
        bytes.fromhex("a06000010000000200000003ff"),  # padding longer than the packet
        bytes.fromhex("a0600001000000020000000300"),  # padding of zero
        bytes.fromhex("8f6000010000000200000003"),  # fifteen sources, none there
        bytes.fromhex("90600001000000020000000300010009"),  # extension cut off
        bytes.fromhex("806000010000000200000003") + bytes(PAYLOAD_BYTES_MAX + 1),
    ],
)
def test_a_broken_packet_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedRtp):
        parse(raw)


@pytest.mark.parametrize(
    ("codec", "payload", "key"),
    [
        ("H264", "67", False),
        ("H264", "6742", True),  # parameter set
        ("H264", "6588", True),  # IDR
        ("H264", "4188", False),  # other slice
        ("H264", "7c85", True),  # first fragment of an IDR
        ("H264", "7c05", False),  # a later fragment
        ("H264", "78000167420000", True),  # aggregate that begins with a parameter set
        ("H264", "78000209f0000267420002688c", True),  # with a delimiter before it
        ("H264", "78000209f0000241880000", False),
        ("H264", "78ffff67", True),  # cut off after it
        ("VP8", "1000", True),
        ("VP8", "1001", False),
        ("VP8", "0000", False),  # not the start of a partition
        ("VP8", "90808112ff00", False),
        ("VP8", "908081120000", True),
        ("VP8", "", False),
    ],
)
def test_a_decoder_starts_at_key_frame_packets_only(codec: str, payload: str, key: bool) -> None:
    assert starts_key_frame(codec, bytes.fromhex(payload)) is key


@pytest.mark.parametrize(
    ("payload", "has_sets"),
    [
        ("67", False),
        ("6742", True),
        ("6888", True),
        ("6588", False),
        ("7c85", False),
        ("78000167420000", True),
        ("78000209f00002688c", True),  # only a PPS, after a delimiter
        ("78000209f0000265880000", False),
    ],
)
def test_packets_with_parameter_sets_are_recognised(payload: str, has_sets: bool) -> None:
    assert sets_parameters(bytes.fromhex(payload)) is has_sets


@given(near=st.integers(0x8000, 1 << 40), step=st.integers(-0x7FFF, 0x7FFF))
def test_sequence_numbers_unwrap_to_the_nearest(near: int, step: int) -> None:
    assert unwrap((near + step) & 0xFFFF, near) == near + step
