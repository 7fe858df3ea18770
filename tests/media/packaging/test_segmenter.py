"""Parts and segments keep the rules of LL-HLS whatever the source's frame rate and GOP."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.packaging import playlist
from media.packaging.muxer import Beginning
from media.packaging.segmenter import (
    PART_S_MIN,
    PART_TARGET_S,
    SAMPLE_S_MAX,
    SEGMENT_S_MIN,
    TARGET_DURATION_S,
    WINDOW_S,
    Segmenter,
)
from media.wire import fmp4
from tests.support.hls_playlists import Playlist, PlaylistChecker

HZ = 90_000
TRACK = fmp4.Video(640, 360, fmp4.avc_record(b"\x67\x42\xc0\x1e", b"\x68\xce"))
OTHER = TRACK._replace(width=320, height=180)


class Stream:
    """A segmenter whose every playlist is checked."""

    def __init__(self) -> None:
        self.checker = PlaylistChecker()
        self.playlists: list[Playlist] = []
        self.segmenter = Segmenter(self._changed)
        self.ticks = float(HZ)
        self.begun_at_s = 1_700_000_000.0

    def _changed(self) -> None:
        self.playlists.append(self.checker.check(playlist.media(self.segmenter)))

    def begin(self, track: fmp4.Video = TRACK) -> None:
        self.segmenter.begin(Beginning([track], self.begun_at_s))

    def run(self, seconds: float, fps: float, gop_s: float, jitter_s: float = 0.0) -> None:
        rng = random.Random(7)
        gop = round(gop_s * fps)
        for at in range(round(seconds * fps)):
            early = rng.uniform(0, jitter_s) * HZ
            key = at % gop == 0
            self.segmenter.add_video(round(self.ticks - early), bytes(100), key=key)
            self.ticks += HZ / fps

    @property
    def newest(self) -> Playlist:
        return self.playlists[-1]


def test_sound_that_comes_early_goes_along_with_its_own_video() -> None:
    stream = Stream()
    stream.segmenter.begin(Beginning([TRACK, fmp4.Aac(48_000, 2, b"\x11\x90")], stream.begun_at_s))
    for number in range(4 * 47):
        stream.segmenter.add_audio(48_000 + number * 1_024, b"sound", 1_024)
    stream.run(4, 25, gop_s=2)
    parts = [part.data for segment in stream.segmenter.segments for part in segment.parts]
    assert len(parts) > 8 and {part.count(b"traf") for part in parts} == {2}


@pytest.mark.parametrize("fps", [10, 12, 15, 20, 23.976, 24, 25, 29.97, 30, 50, 60])
def test_parts_are_full_and_segments_begin_with_key_frames(fps: float) -> None:
    stream = Stream()
    stream.begin()
    stream.run(12, fps, gop_s=2)
    assert len(stream.newest.complete) >= 5
    for segment in stream.newest.complete[:-1]:
        assert segment.duration_s == pytest.approx(2, abs=0.1)
    for segment in stream.newest.segments:
        assert [part.independent for part in segment.parts[:1]] in ([], [True])
        for part in segment.parts[:-1]:
            assert PART_S_MIN - 1e-5 <= part.duration_s <= PART_TARGET_S + 1e-5


@pytest.mark.parametrize("gop_s", [0.5, 1, 2.5, 5, 10, 60])
def test_segments_are_bounded_whatever_the_gop(gop_s: float) -> None:
    stream = Stream()
    stream.begin()
    stream.run(100, 25, gop_s)
    durations = [segment.duration_s for segment in stream.newest.complete]
    assert max(durations) <= TARGET_DURATION_S
    if gop_s < TARGET_DURATION_S:
        assert min(durations) >= SEGMENT_S_MIN
        assert all(segment.parts[0].independent for segment in stream.newest.segments[-3:])


FRAMES = st.tuples(st.floats(0.001, SAMPLE_S_MAX), st.booleans())
STEADY = st.tuples(st.sampled_from([1 / 60, 1 / 30, 1 / 25, 1 / 15]), st.just(False))


@given(st.lists(st.one_of(STEADY, STEADY, STEADY, FRAMES, st.none()), max_size=300))
def test_no_pace_of_frames_and_no_breaks_lead_to_a_playlist_that_breaks_a_rule(
    frames: list[tuple[float, bool] | None],
) -> None:
    stream = Stream()
    for frame in frames:
        if frame is None:
            stream.segmenter.interrupt()
            continue
        if stream.segmenter.interrupted:
            stream.ticks = float(HZ)
            stream.begun_at_s += 600
            stream.segmenter.begin(Beginning([TRACK], stream.begun_at_s))
        stream.segmenter.add_video(round(stream.ticks), bytes(10), key=frame[1])
        stream.ticks += frame[0] * HZ
    stream.segmenter.end()
    assert stream.newest.ended


@pytest.mark.parametrize("fps", [3, 7, 15, 30])
def test_an_unsteady_camera_breaks_no_rule(fps: float) -> None:
    stream = Stream()
    stream.begin()
    stream.run(60, fps, gop_s=2, jitter_s=0.6 / fps)
    assert stream.checker.checked > 100


def test_the_first_segment_ends_with_the_next_key_frame() -> None:
    stream = Stream()
    stream.begin()
    stream.run(0.4, 25, gop_s=2)
    assert not stream.segmenter.has(1, -1)
    stream.run(2, 25, gop_s=2)
    first, *others = stream.newest.segments
    assert first.duration_s == pytest.approx(0.4) and first.uri
    assert stream.segmenter.has(1, -1) and others[0].parts[0].independent
    stream.run(0.5, 25, gop_s=0.5)
    assert stream.newest.complete[-1].duration_s == pytest.approx(2)


def test_a_window_of_segments_is_listed_and_a_few_more_are_kept() -> None:
    stream = Stream()
    stream.begin()
    stream.run(160, 25, gop_s=2)
    newest = stream.newest
    assert WINDOW_S <= sum(each.duration_s for each in newest.complete) <= WINDOW_S + 4
    assert stream.segmenter.find(newest.msn - 3) is not None
    assert stream.segmenter.find(newest.msn - 10) is None


def test_a_delta_update_leaves_out_what_the_client_has() -> None:
    stream = Stream()
    stream.begin()
    stream.run(100, 25, gop_s=2)
    whole = playlist.media(stream.segmenter)
    delta = playlist.media(stream.segmenter, skips=True)
    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=" in delta and len(delta) < len(whole)
    merged = stream.checker.check(delta)
    assert [each.uri for each in merged.segments] == [each.uri for each in stream.newest.segments]


def test_the_discontinuity_is_published_when_the_source_ends() -> None:
    stream = Stream()
    stream.begin()
    stream.run(5, 25, gop_s=2)
    stream.segmenter.interrupt()
    assert stream.newest.announces_discontinuity
    assert all(segment.uri for segment in stream.newest.segments)
    hint = stream.newest.hint
    stream.ticks += 5 * HZ
    stream.begin(OTHER)
    stream.run(1, 25, gop_s=2)
    first = next(segment for segment in stream.newest.segments if segment.discontinuity)
    assert first.parts[0].uri == hint
    assert first.init == "i2.mp4"


def test_discontinuities_are_counted_when_they_leave_and_never_skipped() -> None:
    stream = Stream()
    for _ in range(12):
        stream.begin()
        stream.run(10, 25, gop_s=2)
        stream.segmenter.interrupt()
        text = playlist.media(stream.segmenter, skips=True)
        skipped = text.partition("SKIPPED-SEGMENTS=")[2].partition("\n")[0]
        assert int(skipped or 0) < 5
    assert stream.newest.discontinuities >= 3


def test_the_last_playlist_of_a_live_has_an_end_and_no_hint() -> None:
    stream = Stream()
    stream.begin()
    stream.run(3, 25, gop_s=2)
    stream.segmenter.end()
    stream.segmenter.end()
    assert stream.newest.ended and stream.newest.hint is None
    assert sum(each.duration_s for each in stream.newest.segments) == pytest.approx(3, abs=0.01)


def test_sound_without_video_makes_parts_of_its_own() -> None:
    stream = Stream()
    stream.segmenter.begin(Beginning([fmp4.Aac(48_000, 2, b"\x11\x90")], 1_700_000_000.0))
    for number in range(500):
        stream.segmenter.add_audio(48_000 + 1_024 * number, bytes(20), 1_024)
    assert len(stream.newest.complete) >= 4
    assert all(part.independent for each in stream.newest.segments for part in each.parts)


def test_a_reload_waits_for_its_part_and_a_part_too_many_means_the_next_segment() -> None:
    stream = Stream()
    stream.begin()
    stream.run(5, 25, gop_s=2)
    segmenter = stream.segmenter
    msn, part = segmenter.next_part
    assert not segmenter.has(msn, part) and not segmenter.has(msn + 1, 0)
    assert segmenter.has(msn, part - 1) and segmenter.has(0, 0)
    assert segmenter.has(msn - 1, 99), "the first part of the open segment is there"
    while segmenter.next_msn == msn:
        stream.run(0.04, 25, gop_s=0.04)
    assert segmenter.next_part == (msn + 1, 0)
    assert segmenter.has(msn, 0) and not segmenter.has(msn, 99)


def test_bandwidth_is_the_peak_of_the_segments() -> None:
    stream = Stream()
    stream.begin()
    stream.run(1, 25, gop_s=2)
    first = playlist.multivariant([("one", stream.segmenter)])
    assert 'CODECS="avc1.42c01e",RESOLUTION=640x360\none/media.m3u8' in first
    stream.run(9, 25, gop_s=2)
    rates = [
        segment.octets * 8 / segment.duration_s
        for segment in stream.segmenter.segments
        if segment.complete
    ]
    text = playlist.multivariant([("one", stream.segmenter)])
    stated = int(text.partition("BANDWIDTH=")[2].partition(",")[0])
    assert stated == pytest.approx(max(rates), abs=1)
