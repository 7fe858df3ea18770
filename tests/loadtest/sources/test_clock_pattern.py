"""The clock in the pattern shows the given time and can be read back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.sources.clock_pattern import (
    CELL_HEIGHT_PX,
    CLOCK_Y_PX,
    DAY_MS,
    HEIGHT_PX,
    NUMBER_PERIOD,
    PHASES,
    WIDTH_PX,
    ClockPattern,
    clock_delay_ms,
    clock_text,
    parse_clock,
    read_clock,
    read_number,
)


@pytest.fixture(scope="module")
def pattern() -> ClockPattern:
    return ClockPattern()


def luma(
    pattern: ClockPattern, index: int, at_ms: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(pattern.draw(index, at_ms).to_ndarray()[:HEIGHT_PX], np.uint8)


@given(at_ms=st.integers(0, 2**42))
def test_the_clock_text_parses_back_to_the_time_of_day(at_ms: int) -> None:
    assert parse_clock(clock_text(at_ms)) == at_ms % DAY_MS


@pytest.mark.parametrize("text", ["", "12:00:00", "24:00:00.000", "12.00:00:000", "1a:00:00.000"])
def test_other_text_does_not_parse(text: str) -> None:
    assert parse_clock(text) is None


@pytest.mark.parametrize("at_ms", [0, 12_345_678, 45_296_789, DAY_MS - 1, 1_700_000_000_123])
def test_the_clock_reads_back_from_the_pattern(pattern: ClockPattern, at_ms: int) -> None:
    assert read_clock(luma(pattern, 3, at_ms)) == at_ms % DAY_MS


def test_the_clock_reads_back_from_a_noisy_pattern(pattern: ClockPattern) -> None:
    rng = np.random.default_rng(1)
    noisy = luma(pattern, 0, 45_296_789) + rng.normal(0, 20, (HEIGHT_PX, WIDTH_PX))
    assert read_clock(noisy.clip(0, 255).astype(np.uint8)) == 45_296_789


@pytest.mark.parametrize("index", [0, 7, 123_456, 98_765_432, NUMBER_PERIOD + 5])
def test_the_frame_number_reads_back_from_a_noisy_pattern(
    pattern: ClockPattern, index: int
) -> None:
    rng = np.random.default_rng(1)
    noisy = luma(pattern, index, 45_296_789) + rng.normal(0, 20, (HEIGHT_PX, WIDTH_PX))
    assert read_number(noisy.clip(0, 255).astype(np.uint8)) == index % NUMBER_PERIOD


def test_a_frame_without_the_clock_reads_as_none() -> None:
    assert read_clock(np.full((HEIGHT_PX, WIDTH_PX), 200, np.uint8)) is None
    assert read_clock(np.zeros((90, 160), np.uint8)) is None
    assert read_number(np.full((HEIGHT_PX, WIDTH_PX), 200, np.uint8)) is None


def test_the_pattern_moves_and_repeats_after_phases(pattern: ClockPattern) -> None:
    below = CLOCK_Y_PX + CELL_HEIGHT_PX  # of clock and number
    first = luma(pattern, 0, 0)[below:].copy()
    assert (luma(pattern, 10, 0)[below:] != first).any()
    assert (luma(pattern, PHASES, 0)[below:] == first).all()


def test_a_delay_across_midnight_is_short() -> None:
    assert clock_delay_ms(DAY_MS - 100, 150) == 250
    assert clock_delay_ms(1_000, 900) == -100
