"""The frame size is read from key frames of real encoders; other bytes have none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.frame_size import Size, frame_size_of
from tests.support.encoded_video import nal_units


@pytest.mark.parametrize("profile", ["Baseline", "Main", "High"])
@pytest.mark.parametrize("size", [Size(1280, 720), Size(360, 640), Size(854, 480), Size(318, 178)])
def test_h264_frame_size_includes_cropping(size: Size, profile: str) -> None:
    [sps] = [unit for unit in nal_units("libx264", *size, profile) if unit[0] & 159 == 7]
    assert frame_size_of("H264", sps) == size
    aggregate = b"\x78" + len(sps).to_bytes(2, "big") + sps + b"\0\3\x68\1\2"
    assert frame_size_of("H264", aggregate) == size
    assert size.short_side == min(size)


def test_vp8_frame_size_follows_any_payload_descriptor() -> None:
    [frame] = nal_units("libvpx", 640, 360)
    for descriptor in (b"\x10", b"\x90\x80\x11", b"\x90\xe0\x81\x23\x05\x40"):
        assert frame_size_of("VP8", descriptor + frame[:200]) == Size(640, 360)


def test_a_payload_without_a_size_has_none() -> None:
    assert frame_size_of("H264", b"\x65\x88\x84") is None
    assert frame_size_of("VP8", b"\x10\x01" + bytes(20)) is None


@given(
    st.sampled_from(["H264", "VP8"]),
    st.binary(max_size=80),
    st.sampled_from([b"", b"\x67", b"\x78\0\x20\x67"]),
)
def test_any_bytes_have_a_positive_size_or_none(codec: str, payload: bytes, head: bytes) -> None:
    size = frame_size_of(codec, head + payload)
    assert size is None or min(size) > 0
