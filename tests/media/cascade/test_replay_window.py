"""A packet of the hop is taken once, in whatever order packets arrive."""

from hypothesis import given
from hypothesis import strategies as st

from media.cascade.replay_window import WINDOW, ReplayWindow
from tests.support.fuzz_examples import examples


@examples(40)
@given(st.lists(st.integers(0, 3 * WINDOW), max_size=60))
def test_a_counter_is_taken_once_and_only_within_the_window(counters: list[int]) -> None:
    window, taken = ReplayWindow(), set[int]()
    for counter in counters:
        newest = max(taken, default=-1)
        assert window.is_new(counter) == (counter not in taken and newest - counter < WINDOW)
        if window.is_new(counter):
            window.note(counter)
            taken.add(counter)


def test_a_packet_that_was_not_authentic_moves_nothing() -> None:
    window = ReplayWindow()
    assert window.is_new(1 << 39)
    assert window.is_new(0)
