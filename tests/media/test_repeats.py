"""Repairs never take more than their share of a viewer's line."""

from hypothesis import given
from hypothesis import strategies as st

from media.io.session import REPEATS_BURST, REPEATS_PER_S, Bucket


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=400))
def test_whoever_asks_for_more_gets_a_burst_and_then_the_rate(pauses: list[float]) -> None:
    repeats, now, got = Bucket(REPEATS_PER_S, REPEATS_BURST), 0.0, 0
    repeats.per_s = 30.0
    for pause in pauses:
        now += pause
        got += sum(repeats.take(now=now) for _ in range(50))
    assert got <= REPEATS_BURST + 30 * now + 1


def test_a_viewer_within_the_rate_gets_all() -> None:
    repeats = Bucket(REPEATS_PER_S, REPEATS_BURST)
    repeats.per_s = 30.0
    assert all(repeats.take(now=number / 30) for number in range(1_000))
