"""FLV tags of H.264 and AAC are read; other codecs are named in the refusal."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedFlv
from media.wire import flv

SPS, PPS = bytes.fromhex("67640020ac"), bytes.fromhex("68ee3cb0")
RECORD = b"\x01\x64\x00\x20\xff\xe1\x00\x05" + SPS + b"\x01\x00\x04" + PPS


def test_the_h264_configuration_gives_its_parameter_sets() -> None:
    config = flv.video(b"\x17\x00\x00\x00\x00" + RECORD + b"\xfd\xf8\xf8\x00")
    assert isinstance(config, flv.AvcConfig)
    assert (config.sps, config.pps, config.length_bytes) == ((SPS,), (PPS,), 4)


def test_an_access_unit_gives_its_nal_units_and_composition_time() -> None:
    body = b"\x27\x01\xff\xff\xd8" + b"\0\0\0\x02\x41a" + b"\0\0\0\x03\x41bc"
    assert flv.video(body) == flv.AvcUnit(False, -40, (b"\x41a", b"\x41bc"))


def test_frame_type_1_is_a_key_frame() -> None:
    unit = flv.video(b"\x17\x01\0\0\0" + b"\0\0\0\x02\x65a")
    assert isinstance(unit, flv.AvcUnit) and unit.key


def test_an_end_of_sequence_holds_nothing() -> None:
    assert flv.video(b"\x17\x02\0\0\0") is None


@pytest.mark.parametrize(
    ("record", "rate_hz", "channels"),
    [
        ("1190", 48_000, 2),
        ("1210", 44_100, 2),
        ("1208", 44_100, 1),
        ("2b8a08", 22_050, 1),  # HE-AAC, the core's rate
        ("17805dc010", 48_000, 2),  # the rate spelled out
    ],
)
def test_the_aac_configuration_gives_rate_and_channels(
    record: str, rate_hz: int, channels: int
) -> None:
    config = flv.audio(b"\xaf\x00" + bytes.fromhex(record))
    assert isinstance(config, flv.AacConfig)
    assert (config.rate_hz, config.channels) == (rate_hz, channels)


def test_an_aac_frame_is_passed_on() -> None:
    assert flv.audio(b"\xaf\x01abc") == flv.AacFrame(b"abc")
    assert flv.audio(b"\xaf\x01") is None
    assert flv.audio(b"") is None


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\x1c\x01\0\0\0abc", "HEVC"),
        (b"\x90hvc1abc", "HEVC"),
        (b"\x90av01abc", "AV1"),
        (
            b"\x17\x00\0\0\0\x01\x01\x60\x00\xff\xe1\x00\x02\x40\x01\x01\x00\x02\x42\x01",
            "HEVC; H.264 is taken",
        ),
    ],
)
def test_other_video_is_named_in_the_refusal(body: bytes, name: str) -> None:
    with pytest.raises(MalformedFlv, match=name):
        flv.video(body)


def test_other_sound_is_named_in_the_refusal() -> None:
    with pytest.raises(MalformedFlv, match="MP3"):
        flv.audio(b"\x2f\xff\xfb")


def test_a_length_beyond_the_tag_is_refused() -> None:
    with pytest.raises(MalformedFlv):
        flv.video(b"\x27\x01\0\0\0" + b"\0\0\xff\xff\x41")


@given(st.binary(max_size=120), st.integers(1, 4))
def test_garbage_raises_the_documented_error_or_nothing(body: bytes, length_bytes: int) -> None:
    with contextlib.suppress(MalformedFlv):
        flv.video(body, length_bytes)
    with contextlib.suppress(MalformedFlv):
        flv.audio(body)
