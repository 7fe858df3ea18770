"""Long waits of a worker end together, short ones when they are asked to."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from server.ops.timers import GRID_S, LONG_S, AlignedLoop, on_grid, wait_ends_at

MS = 0.002


@given(st.floats(0, 1e6), st.floats(0, GRID_S))
def test_a_wait_ends_at_the_nearest_point_of_the_grid(at: float, phase: float) -> None:
    end = on_grid(at, phase)
    assert abs(end - at) <= GRID_S / 2 + 1e-6
    assert abs((end - phase) / GRID_S - round((end - phase) / GRID_S)) < 1e-6


async def test_another_loop_ends_waits_when_it_is_asked_to() -> None:
    assert wait_ends_at(12.34) == 12.34


def test_long_timers_are_due_together_and_short_ones_are_kept() -> None:
    async def due() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        long = [loop.call_later(LONG_S + GRID_S + more, int) for more in (-MS, 0.0, MS)]
        short = loop.call_later(LONG_S / 2, int)
        ends = [timer.when() for timer in long]
        after = short.when() - loop.time()
        for timer in (*long, short):
            timer.cancel()
        return [wait_ends_at(end) - end for end in ends], after

    with asyncio.Runner(loop_factory=AlignedLoop) as runner:
        off_grid, after = runner.run(due())
    assert all(abs(each) <= MS for each in off_grid)
    assert abs(after - LONG_S / 2) <= MS
