"""What a replay's playlist says, and when a player loads what of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.clients.replay import BUFFER_S, Playback, Segment, segments_of

PLAYLIST = """#EXTM3U
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="l1/i0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:00.000Z
#EXTINF:2.00000,
#EXT-X-BYTERANGE:500@100
l1.mp4
#EXTINF:1.50000,
#EXT-X-BYTERANGE:300
l1.mp4
#EXTINF:4,
whole.mp4
#EXT-X-ENDLIST
"""


def test_segments_are_byte_ranges_of_their_files() -> None:
    found = segments_of(PLAYLIST, "/live/r/replay/l1.m3u8")
    assert found == [
        Segment("/live/r/replay/l1.mp4", 2.0, 100, 500),
        Segment("/live/r/replay/l1.mp4", 1.5, 600, 300),
        Segment("/live/r/replay/whole.mp4", 4.0),
    ]
    assert found[1].headers() == {"Range": "bytes=600-899"}
    assert found[2].headers() == {}


@given(st.lists(st.floats(0.5, 6.0), min_size=1, max_size=30), st.floats(0.0, 0.4))
def test_a_player_that_is_served_in_time_never_stalls(
    lengths_s: list[float], answer_s: float
) -> None:
    playback, now = Playback(), 5.0
    for seconds in lengths_s:
        now = playback.load_at(now) + answer_s
        playback.loaded(seconds, now)
    assert (playback.stalls, playback.stalled_s) == (0, 0)
    assert playback.loaded_s - (now - 5.0) <= BUFFER_S + max(lengths_s)


def test_a_segment_that_comes_late_is_one_stall_of_its_delay() -> None:
    playback = Playback()
    playback.loaded(2.0, 10.0)
    playback.loaded(2.0, 11.0)
    playback.loaded(2.0, 17.0)  # its turn was at 14
    playback.loaded(2.0, 18.0)
    assert playback.stalls == 1
    assert playback.stalled_s == pytest.approx(3.0)
    assert playback.load_at(18.0) == pytest.approx(18.0)
