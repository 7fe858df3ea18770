"""Sound and video that were captured at the same moment have the same place on the timeline."""

import pytest

from media.packaging.alignment import BASE_S, Alignment


def test_sender_reports_place_sound_beside_video() -> None:
    timeline = Alignment()
    timeline.on_arrival("video", 500.0, now=10.2)
    assert timeline.video_s(500.0) == BASE_S
    timeline.on_arrival("audio", 70.0, now=10.0)
    timeline.on_clock("video", 500.0, 1_000.0)
    timeline.on_clock("audio", 71.0, 1_001.0)
    assert timeline.audio_s(70.0) == pytest.approx(BASE_S)
    assert timeline.audio_s(72.5) == pytest.approx(timeline.video_s(502.5))


def test_without_both_reports_the_fastest_arrivals_place_it() -> None:
    timeline = Alignment()
    for late, at in ((0.08, 0.0), (0.0, 0.04), (0.03, 0.08)):
        timeline.on_arrival("video", 500 + at, now=10 + at + late)
        timeline.on_arrival("audio", 70 + at, now=10 + at + late / 2)
    timeline.on_clock("video", 500.0, 123.0)
    timeline.video_s(500.0)
    assert timeline.audio_s(70.5) == pytest.approx(timeline.video_s(500.5))


def test_sound_has_no_place_before_video_and_makes_the_base_where_there_is_none() -> None:
    timeline = Alignment()
    timeline.on_arrival("audio", 70.0, now=10.0)
    assert timeline.audio_s(70.0) == BASE_S
    with_video = Alignment()
    with_video.on_arrival("video", 500.0, now=10.0)
    with_video.on_arrival("audio", 70.0, now=10.0)
    assert with_video.audio_s(70.0) is None
