"""What a decoding viewer says of the frames that it is shown."""

from collections.abc import Iterator

import av
import pytest

from loadtest.measure import glass_to_glass
from loadtest.measure.glass_to_glass import GlassViewer
from loadtest.sources.clock_pattern import ClockPattern

NOON_MS = 12 * 3_600_000


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int | None]]:
    """What is read from the frames to come, in order."""
    texts: list[int | None] = []
    monkeypatch.setattr(glass_to_glass, "read_clock", lambda _: texts.pop(0))
    yield texts
    assert texts == []


def show(viewer: GlassViewer, clocks: list[int | None], *shown: tuple[int | None, int]) -> None:
    """Show frames: the ms after noon in each, and when it is seen."""
    for text_ms, at_ms in shown:
        clocks.append(None if text_ms is None else NOON_MS + text_ms)
        viewer.look(av.VideoFrame(64, 64, "yuv420p"), NOON_MS + at_ms)


def test_delays_are_from_the_clock_to_the_eye(clocks: list[int | None]) -> None:
    viewer = GlassViewer()
    show(viewer, clocks, (0, 60), (40, 340), (None, 380))
    assert viewer.delays_ms == [60, 300]
    assert (viewer.frames, viewer.unreadable) == (3, 1)


def test_the_same_clock_again_is_a_frozen_frame(clocks: list[int | None]) -> None:
    frozen, moving = GlassViewer(), GlassViewer()
    times = range(0, 1_000, 40)
    show(moving, clocks, *((at, at + 50) for at in times))
    show(frozen, clocks, *((min(at, 400), at + 50) for at in times), (1_000, 1_050))
    assert (moving.freezes.freezes, frozen.freezes.freezes) == (0, 1)
    assert frozen.freezes.longest_s == pytest.approx(0.6)


def test_another_size_is_another_layer(clocks: list[int | None]) -> None:
    viewer = GlassViewer()
    clocks += [None] * 4
    for width in (640, 640, 320, 640):
        viewer.look(av.VideoFrame(width, 64, "yuv420p"), 0.0)
    assert viewer.size_changes == 2


def test_frames_are_counted_as_skipped_and_repeated_by_their_numbers() -> None:
    pattern, viewer = ClockPattern(), GlassViewer()
    for number in (5, 6, 6, 9, 10, 0, 1):  # the host begins anew after 10
        viewer.look(pattern.draw(number, NOON_MS), NOON_MS)
    assert (viewer.skipped, viewer.repeated) == (2, 1)
