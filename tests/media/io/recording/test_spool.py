"""Whatever byte a crash comes at, the spool is repaired to all that was whole, and that plays."""

import io
import random
from pathlib import Path

import av
import pytest

from media.io.recording.spool import Spool
from media.recording.index import HZ, Index
from media.recording.recorder import Recorder, TailWrite, Write
from media.recording.replay import MovedPiece, Piece, ReplayFile
from tests.support.recorded_lives import FPS, FilmedStream


@pytest.fixture(scope="module")
def writes() -> list[TailWrite | Write]:
    """What is written during a live of two sizes."""
    out: list[TailWrite | Write] = []
    recorder, stream = Recorder(Index(), "test"), FilmedStream()
    stream.followers.append(lambda: out.extend(recorder.take(stream.segmenter)))
    stream.camera.film(6)
    stream.camera.film(3, (128, 96))
    return out


def write(spool: Spool, each: TailWrite | Write) -> None:
    if isinstance(each, TailWrite):
        spool.append_tail(*each)
    else:
        spool.append(*each)


def frames_of(folder: Path, index: Index) -> int:
    file, data = ReplayFile(index), b""
    for item in file.read_plan(0, file.size):
        assert not isinstance(item, MovedPiece)
        if isinstance(item, Piece):
            whole = (folder / item.chunk).read_bytes()
            assert item.offset + item.length <= len(whole)
            item = whole[item.offset : item.offset + item.length]
        data += item
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def seconds_of(writes: list[TailWrite | Write]) -> float:
    """How long the parts of these writes last together."""
    recorder = Index.parse(b"".join(w.lines for w in writes if isinstance(w, TailWrite)))
    return sum(placed.fragment.duration for placed in recorder.fragments) / HZ


@pytest.mark.parametrize("seed", range(40))
def test_after_a_crash_at_any_byte_all_whole_parts_play(
    seed: int, writes: list[TailWrite | Write], tmp_path: Path
) -> None:
    rng = random.Random(seed)
    number = rng.randrange(1, len(writes))
    spool = Spool(tmp_path / "spool")
    for each in writes[:number]:
        write(spool, each)
    torn = writes[number]
    # Of the next write the lines come first, then the data; the crash cuts it anywhere.
    left = rng.randrange(len(torn.lines) + len(torn.data))
    lines, data = torn.lines[:left], torn.data[: max(0, left - len(torn.lines))]
    names = ("tail.jsonl", "tail") if isinstance(torn, TailWrite) else ("index.jsonl", torn.chunk)
    for name, content in zip(names, (lines, data), strict=True):
        with (spool.folder / name).open("ab") as file:
            file.write(content)
    spool.close()
    index = Spool(spool.folder).repair()
    expected_s = seconds_of(writes[:number])
    assert sum(each.fragment.duration for each in index.fragments) / HZ == pytest.approx(expected_s)
    assert frames_of(spool.folder, index) == pytest.approx(expected_s * FPS, abs=0.01)
    again = Spool(spool.folder).repair()
    assert again.fragments == index.fragments, "repaired twice it is the same"


def test_a_crash_before_the_first_part_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.note(b"{}\n{")
    spool.close()
    assert not Spool(spool.folder).repair().fragments
    assert (spool.folder / "events.jsonl").read_bytes() == b"{}\n"
