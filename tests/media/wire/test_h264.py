"""NAL units survive RTP payloads; what cannot be a payload is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtp
from media.wire import h264
from media.wire.rtp import starts_key_frame

BYTES_MAX = 100
UNITS = st.lists(
    st.builds(
        lambda kind, importance, body: bytes([importance << 5 | kind]) + body,
        st.integers(1, 23),
        st.integers(0, 3),
        st.binary(max_size=350),
    ),
    min_size=1,
    max_size=8,
)


@given(UNITS)
def test_nal_units_survive_and_no_payload_is_too_long(units: list[bytes]) -> None:
    payloads = h264.payloads(units, BYTES_MAX)
    assert all(len(payload) <= BYTES_MAX for payload in payloads)
    assert h264.nal_units(payloads) == units


def test_fragments_are_of_about_equal_length() -> None:
    payloads = h264.payloads([bytes([0x65]) + bytes(1_000)], 600)
    assert [len(payload) for payload in payloads] == [502, 502]


def test_parameter_sets_and_a_small_idr_share_one_payload() -> None:
    [payload] = h264.payloads([b"\x67abc", b"\x68de", b"\x65f"], BYTES_MAX)
    assert starts_key_frame("H264", payload)


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\x7c\x05abc"],  # a fragment in the middle
        [b"\x7c\x85abc"],  # a beginning without an end
        [b"\x7c\x85abc", b"\x41abc"],
        [b"\x78\x00\x09ab"],  # an aggregate cut short
        [b"\x79\x00\x00"],  # STAP-B
    ],
)
def test_what_is_not_whole_is_refused(payloads: list[bytes]) -> None:
    with pytest.raises(MalformedRtp):
        h264.nal_units(payloads)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_garbage_raises_the_documented_error_or_nothing(payloads: list[bytes]) -> None:
    with contextlib.suppress(MalformedRtp):
        h264.nal_units(payloads)


def test_units_with_lengths_are_split_by_them() -> None:
    assert h264.with_lengths([b"ab", b"c"]) == b"\0\0\0\2ab\0\0\0\1c"
