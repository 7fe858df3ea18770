"""RTP timestamps, dates of HLS and media times of events are one clock."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.stream.program_time import MEDIA_TIME_HZ, media_time, program_s
from media.stream.timeline import Timeline

VECTORS = Path(__file__).parents[2] / "vectors" / "program_time.json"
UTC_S = st.floats(0, 4_102_444_800)


@pytest.mark.parametrize("example", json.loads(VECTORS.read_text()))
def test_media_time_is_what_pages_take_it_for(example: dict[str, int]) -> None:
    assert media_time(example["program_ms"] / 1_000) == example["media_time"]


@given(at_s=UTC_S, off_s=st.floats(-20_000, 20_000), hz=st.sampled_from([48_000, 90_000]))
def test_a_timestamp_is_the_program_time_near_the_wall_clock(
    at_s: float, off_s: float, hz: int
) -> None:
    timestamp = round(at_s * hz) & 0xFFFFFFFF
    assert program_s(timestamp, hz, at_s + off_s) == pytest.approx(at_s, abs=1e-4)


@given(now=st.floats(0, 1e7), utc_s=UTC_S)
def test_a_live_begins_at_utc(now: float, utc_s: float) -> None:
    timestamp = Timeline(MEDIA_TIME_HZ, now - utc_s).ticks(now=now) & 0xFFFFFFFF
    assert program_s(timestamp, MEDIA_TIME_HZ, utc_s) == pytest.approx(utc_s, abs=1e-4)
