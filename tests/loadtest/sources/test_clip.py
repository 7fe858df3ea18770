"""Clips loop without a gap; a clip that cannot be copied is refused with a remedy."""

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from loadtest.actors.publish import open_sources
from loadtest.bench.clip import make_clip
from loadtest.errors import ClipError
from loadtest.sources.clip import ClipSource, _fitting, clip_audio, clip_video
from loadtest.sources.encoded import BLOCK_S, AmbienceSource
from tests.support.clips import CLIP


def times(source: ClipSource, count: int) -> list[float]:
    """Return when the next `count` packets are due."""
    found = []
    for _ in range(count):
        due_s = source.due_s()
        assert due_s is not None
        found.append(due_s)
        source.packet()
    source.close()
    return found


def write(path: Path, codec: str, options: dict[str, str]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.options = options
        rng = np.random.default_rng(1)
        for _ in range(20):
            pixels = rng.integers(0, 255, (64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "short.mkv"
    make_clip(path, seconds=1)
    return path


@pytest.mark.parametrize("copy", [False, True], ids=["encoded", "copied"])
def test_the_second_loop_continues_the_pace_of_the_first(short: Path, copy: bool) -> None:
    video = clip_video(short, copy=copy, loop=True, bitrate_bps=1_000_000)
    due = times(video, 60)
    steps = {round(after - before, 3) for before, after in itertools.pairwise(due)}
    assert min(steps) > 0 and max(steps) <= 0.07
    assert due[0] == 0.0


@pytest.mark.parametrize("copy", [False, True], ids=["encoded", "copied"])
def test_video_and_audio_take_the_same_time_per_loop(short: Path, copy: bool) -> None:
    loops = 3
    video = clip_video(short, copy=copy, loop=True, bitrate_bps=1_000_000)
    audio = clip_audio(short, copy=copy, loop=True)
    assert audio is not None
    audio_due = times(audio, loops * 51)
    video_due = times(video, loops * 25 + 1)
    assert abs(video_due[-1] - loops * round(video_due[25] / BLOCK_S) * BLOCK_S) < 0.02
    assert any(abs(due - video_due[25]) < BLOCK_S for due in audio_due)


def test_a_clip_that_is_not_looped_ends(short: Path) -> None:
    video = clip_video(short, copy=True, loop=False, bitrate_bps=1_000_000)
    times(video, 24)
    video = clip_video(short, copy=True, loop=False, bitrate_bps=1_000_000)
    for _ in range(25):
        video.packet()
    assert video.due_s() is None


def test_b_frames_are_not_passed_through(tmp_path: Path) -> None:
    clip = write(tmp_path / "b.mp4", "libx264", {"preset": "veryslow"})
    with pytest.raises(ClipError, match=r"B-frames.*without --copy"):
        clip_video(clip, copy=True, loop=True, bitrate_bps=1_000_000)
    assert clip_video(clip, copy=False, loop=True, bitrate_bps=1_000_000).due_s() == 0.0


def test_another_codec_is_not_passed_through(tmp_path: Path) -> None:
    clip = write(tmp_path / "old.mp4", "mpeg4", {})
    with pytest.raises(ClipError, match=r"not H\.264"):
        clip_video(clip, copy=True, loop=True, bitrate_bps=1_000_000)


def test_a_clip_without_audio_is_published_with_silence(tmp_path: Path) -> None:
    clip = write(tmp_path / "mute.mp4", "libx264", {"bf": "0"})
    video, audio = open_sources(clip, copy=True, loop=True, bitrate_bps=1_000_000)
    assert isinstance(audio, AmbienceSource)
    assert len(bytes(audio.packet())) < 20
    video.close()


def test_an_audio_file_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        silence = np.zeros((1, 4_800), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ClipError, match="has no video"):
        clip_video(path, copy=False, loop=True, bitrate_bps=1_000_000)


def test_a_real_clip_loops() -> None:
    due = times(clip_video(CLIP, copy=True, loop=True, bitrate_bps=1), 300)
    assert all(after > before for before, after in itertools.pairwise(due))
    assert due[-1] > 5.312


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((640, 360), (640, 360)),
        ((1001, 701), (1000, 700)),
    ],
)
def test_frames_are_scaled_to_fit_in_either_orientation(
    size: tuple[int, int], fits: tuple[int, int]
) -> None:
    assert _fitting(*size) == fits
