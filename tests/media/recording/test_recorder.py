"""A recording of several epochs is one file that plays, seeks, and survives a crash at any byte."""

import io
import random
from itertools import pairwise

import av
import pytest

from media.packaging.segmenter import Segmenter
from media.recording.index import HZ, Index
from media.recording.recorder import Recorder, TailWrite, Write
from media.recording.replay import MovedPiece, Piece, ReplayFile
from tests.support.recorded_lives import FPS, Camera

LARGE, SMALL = (160, 120), (128, 96)


class Recorded:
    """A live of two sizes, with the host away for 20 s between them."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.all_writes: list[TailWrite | Write] = []
        self.recorder = Recorder(Index(), "test")
        self.segmenter = Segmenter(self._changed)
        self.camera = Camera(self.segmenter)
        self.begun_ms = round(self.camera.at_s * 1_000)

    def _changed(self) -> None:
        new = self.recorder.take(self.segmenter)
        self.all_writes += new
        self.writes += [write for write in new if isinstance(write, Write)]

    def film(self) -> None:
        self.camera.film(4)
        self.camera.away(20)
        self.camera.film(3, SMALL)

    @property
    def index_text(self) -> bytes:
        return b"".join(write.lines for write in self.writes)

    def chunks(self) -> dict[str, bytes]:
        out: dict[str, bytes] = {}
        for write in self.writes:
            out[write.chunk] = out.get(write.chunk, b"") + write.data
        return out


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    made = Recorded()
    made.film()
    return made


def read(file: ReplayFile, chunks: dict[str, bytes], start: int, end: int) -> bytes:
    out = b""
    for item in file.read_plan(start, end):
        if isinstance(item, MovedPiece):
            chunk, offset, length = item.fragment
            item = item.of(chunks[chunk][offset : offset + length])
        elif isinstance(item, Piece):
            assert item.offset + item.length <= len(chunks[item.chunk])
            item = chunks[item.chunk][item.offset : item.offset + item.length]
        out += item
    return out


def decoded(data: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data), "r") as container:
        return list(container.decode(video=0))


def test_two_epochs_of_two_sizes_are_one_file_without_a_gap(recorded: Recorded) -> None:
    index = Index.parse(recorded.index_text)
    file = ReplayFile(index)
    data = read(file, recorded.chunks(), 0, file.size)
    assert len(data) == file.size
    frames = decoded(data)
    assert len(frames) == 7 * FPS
    assert {(frame.width, frame.height) for frame in frames} == {LARGE, SMALL}
    times = [frame.time for frame in frames if frame.time is not None]
    gaps = [after - before for before, after in pairwise(times)]
    assert 0 < min(gaps) and max(gaps) < 0.25
    assert index.duration_s == pytest.approx(7.1, abs=0.01)


def test_the_index_of_a_file_reads_as_it_was_written(recorded: Recorded) -> None:
    text = recorded.index_text
    index = Index.parse(text)
    assert index.fragments == recorded.recorder.index.fragments
    assert Index.parse(b"".join(index.lines())).fragments == index.fragments
    assert Index.parse(text + b'["torn').fragments == index.fragments
    with pytest.raises(ValueError):
        Index.parse(b'["torn\n' + text)


def test_any_range_is_the_same_bytes(recorded: Recorded) -> None:
    file, chunks = ReplayFile(recorded.recorder.index), recorded.chunks()
    whole = read(file, chunks, 0, file.size)
    rng = random.Random(3)
    for _ in range(200):
        start = rng.randrange(file.size)
        end = rng.randrange(start, file.size) + 1
        assert read(file, chunks, start, end) == whole[start:end]


def test_a_player_seeks_by_the_segment_index(recorded: Recorded) -> None:
    file = ReplayFile(recorded.recorder.index)
    data = read(file, recorded.chunks(), 0, file.size)
    with av.open(io.BytesIO(data), "r") as container:
        assert container.duration == pytest.approx(7.1e6, abs=0.2e6)
        container.seek(6_500_000)
        first = next(iter(container.decode(video=0)))
    assert first.key_frame and first.time == pytest.approx(6.125, abs=0.01)


def test_a_live_that_resumes_goes_on_where_its_recording_ended(recorded: Recorded) -> None:
    resumed = Recorder(Index.parse(recorded.index_text), "again")
    before, writes = resumed.index.end, list[TailWrite | Write]()
    segmenter = Segmenter(lambda: writes.extend(resumed.take(segmenter)))
    Camera(segmenter, recorded.camera.at_s + 60).film(2, SMALL)
    assert resumed.index.end - before == pytest.approx(2.1 * HZ, abs=10)
    chunks = recorded.chunks()
    for write in writes:
        if isinstance(write, TailWrite):
            continue
        chunks[write.chunk] = chunks.get(write.chunk, b"") + write.data
    file = ReplayFile(resumed.index)
    # An encoder that begins anew has the same parameter sets here as the one before.
    assert len(decoded(read(file, chunks, 0, file.size))) == 9 * FPS
    assert not resumed.take(segmenter), "nothing is new"


def test_events_are_shown_with_their_frame(recorded: Recorded) -> None:
    index = recorded.recorder.index
    begun_ms = recorded.begun_ms
    assert index.position_s(begun_ms) == pytest.approx(0, abs=0.01)
    assert index.position_s(begun_ms - 60_000) == 0
    assert index.position_s(begun_ms + 2_500) == pytest.approx(2.5, abs=0.01)
    away = index.position_s(begun_ms + 14_000)
    assert away == pytest.approx(4.1, abs=0.01), "while the host is away, where it left"
    assert index.position_s(begun_ms + 25_000) == pytest.approx(5.1, abs=0.01)
    assert index.position_s(begun_ms + 90_000) == pytest.approx(7.1, abs=0.01)
    media_time = (4_294_900_000 + round(2.2 * HZ)) & 0xFFFFFFFF
    assert index.position_s(begun_ms + 2_600, media_time) == pytest.approx(2.2, abs=0.01)
    other = (media_time + 1_000 * HZ) & 0xFFFFFFFF
    assert index.position_s(begun_ms + 2_600, other) == pytest.approx(2.6, abs=0.01)


def test_a_clip_begins_and_ends_at_key_frames_around_its_moment(recorded: Recorded) -> None:
    clip = recorded.recorder.index.part(2.5, 4.5)
    assert all(placed.fragment.key for placed in clip.fragments)
    assert (clip.start - recorded.recorder.index.start) / HZ <= 2.5
    assert (clip.end - recorded.recorder.index.start) / HZ >= 4.5
    file, chunks = ReplayFile(clip, from_zero=True), recorded.chunks()
    data = read(file, chunks, 0, file.size)
    assert len(data) == file.size
    assert read(file, chunks, 5_000, file.size - 99) == data[5_000:-99]
    frames = decoded(data)
    assert frames[0].key_frame and frames[0].time == pytest.approx(0.025, abs=0.001)
    assert len(frames) / FPS == pytest.approx(clip.duration_s, abs=0.15)


def test_the_playlist_lists_every_byte_of_media_once(recorded: Recorded) -> None:
    file = ReplayFile(recorded.recorder.index)
    lines = file.playlist("x.mp4", "i{}.mp4").splitlines()
    ranges = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-BYTERANGE")]
    at = len(file.head)
    for item in ranges:
        length, offset = map(int, item.split("@"))
        assert offset == at
        at += length
    assert at == file.size
    maps = [line for line in lines if line.startswith("#EXT-X-MAP")]
    assert maps == ['#EXT-X-MAP:URI="i0.mp4"', '#EXT-X-MAP:URI="i1.mp4"']
    assert lines.count("#EXT-X-DISCONTINUITY") == 1 and lines[-1] == "#EXT-X-ENDLIST"
    target = int(next(line for line in lines if "TARGETDURATION" in line).partition(":")[2])
    durations = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF")]
    assert sum(durations) == pytest.approx(7, abs=0.01) and max(map(round, durations)) <= target
