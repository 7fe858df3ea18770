"""When workers are started, started again and killed, in virtual time."""

import itertools
import math

import pytest

from server.ops.supervision import (
    DELAY_S_FIRST,
    DELAY_S_MAX,
    SILENT_S_MAX,
    START_S_LIMIT,
    START_S_MAX,
    STEADY_S,
    Step,
    Watch,
    worker_count,
)
from server.worker import WORKERS_MAX


def running(now: float = 0.0) -> Watch:
    watch = Watch(now=now)
    assert watch.next_step(now=now) is Step.START
    watch.started(now=now)
    return watch


def test_worker_that_beats_is_left_alone() -> None:
    watch = running()
    for second in range(1_000):
        watch.beat(now=float(second))
        assert watch.next_step(now=second + 0.5) is Step.WAIT


def test_worker_that_misses_its_beats_is_killed_once_and_replaced() -> None:
    watch = running()
    watch.beat(now=1.0)
    silent = watch.next_timer()
    assert silent == 1.0 + SILENT_S_MAX
    assert watch.next_step(now=silent - 0.1) is Step.WAIT
    assert watch.next_step(now=silent) is Step.KILL
    assert watch.next_step(now=silent + 60) is Step.WAIT
    assert watch.next_timer() == math.inf
    watch.ended(now=silent + 0.1)
    assert watch.next_step(now=watch.next_timer()) is Step.START


def test_worker_has_longer_to_its_first_beat_than_between_beats() -> None:
    watch = running()
    assert watch.next_step(now=START_S_MAX - 0.1) is Step.WAIT
    assert watch.next_step(now=START_S_MAX) is Step.KILL


def test_worker_that_does_not_start_in_time_has_twice_as_long_the_next_time() -> None:
    watch = running()
    for expected in (START_S_MAX, 2 * START_S_MAX, 4 * START_S_MAX, START_S_LIMIT, START_S_LIMIT):
        kill_at = watch.next_timer()
        assert watch.next_step(now=kill_at) is Step.KILL
        watch.ended(now=kill_at)
        watch.started(now=watch.next_timer())
        began = kill_at + watch.delay_s
        assert watch.next_timer() == began + min(START_S_LIMIT, 2 * expected)
    watch.beat(now=began)
    watch.ended(now=began + 1.0)
    watch.started(now=watch.next_timer())
    assert watch.next_timer() == pytest.approx(began + 1.0 + watch.delay_s + START_S_MAX)


def test_beats_of_a_killed_process_do_not_count_for_the_next() -> None:
    watch = running()
    watch.beat(now=1.0)
    watch.ended(now=2.0)
    watch.started(now=3.0)
    assert watch.next_timer() == 3.0 + START_S_MAX


def test_worker_that_keeps_ending_is_started_again_ever_later() -> None:
    watch, now, delays = Watch(now=0.0), 0.0, []
    for _ in range(15):
        now = watch.next_timer()
        assert watch.next_step(now=now) is Step.START
        watch.started(now=now)
        now += 1.0
        watch.ended(now=now)
        assert watch.next_step(now=now) is Step.WAIT
        delays.append(watch.next_timer() - now)
    assert delays[0] == pytest.approx(DELAY_S_FIRST)
    assert delays[-1] == pytest.approx(DELAY_S_MAX)
    grown = [later / delay for delay, later in itertools.pairwise(delays)]
    assert all(1.0 <= round(factor, 6) <= 2.0 for factor in grown)


def test_worker_that_ran_for_long_is_started_again_soon() -> None:
    watch, now = Watch(now=0.0), 0.0
    for ran_s in (1.0, 1.0, 1.0, STEADY_S):
        now = watch.next_timer()
        watch.started(now=now)
        now += ran_s
        watch.ended(now=now)
    assert watch.next_timer() - now == pytest.approx(DELAY_S_FIRST)


@pytest.mark.parametrize(
    ("wanted", "cores", "embedded", "count"),
    [
        (0, 8, False, 8),
        (0, 8, True, 1),
        (3, 8, True, 3),
        (3, 2, False, 3),
        (0, 4 * WORKERS_MAX, False, WORKERS_MAX),
    ],
)
def test_node_has_a_worker_for_each_core_unless_it_is_embedded_or_says_otherwise(
    wanted: int, cores: int, embedded: bool, count: int
) -> None:
    assert worker_count(wanted, cores=cores, embedded=embedded) == count
