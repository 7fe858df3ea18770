"""When workers are started, started again and killed, in virtual time."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ops.beats import EVERY_S
from server.ops.supervision import (
    BUSY_S_MAX,
    DELAY_S_FIRST,
    DELAY_S_MAX,
    LATE_S,
    LOOK_S,
    SILENT_S_MAX,
    START_S_LIMIT,
    START_S_MAX,
    STEADY_S,
    STUCK_S_MAX,
    Activity,
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


BACK_S_MAX = 5.0
"""Until a viewer's page is back; it needs two seconds of that itself."""


def killed_after(activity: Callable[[float], Activity | None]) -> float:
    """How long after its last beat a worker that serves is killed."""
    watch = running()
    watch.beat(now=1.0)
    watch.serves(True)
    while True:
        now = watch.next_timer()
        match watch.next_step(now=now):
            case Step.LOOK:
                watch.looked(activity(now - 1.0), now=now)
            case Step.KILL:
                return now - 1.0


def test_worker_that_beats_is_left_alone() -> None:
    watch = running()
    for second in range(1_000):
        watch.beat(now=float(second))
        assert watch.next_step(now=second + 0.5) is Step.WAIT


def test_worker_that_serves_and_is_stopped_is_killed_so_soon_that_viewers_are_back_in_time() -> (
    None
):
    stopped = Activity(cpu_s=7.0, waits=False)
    assert killed_after(lambda _: stopped) == pytest.approx(LATE_S + STUCK_S_MAX)
    assert LATE_S + STUCK_S_MAX <= BACK_S_MAX - 3.0


def test_worker_that_runs_without_end_is_killed_a_second_later() -> None:
    after = killed_after(lambda now: Activity(cpu_s=7.0 + now, waits=True))
    assert after == pytest.approx(LATE_S + BUSY_S_MAX)
    assert after <= BACK_S_MAX - 2.0


@pytest.mark.parametrize("share", [0.0, 1 / 30, 1 / 15])
def test_worker_that_waits_for_a_core_or_a_disk_is_left_alone_for_long(share: float) -> None:
    """At a fifteenth of a core its first beat comes before it is killed."""
    after = killed_after(lambda now: Activity(cpu_s=share * now, waits=True))
    assert after == pytest.approx(SILENT_S_MAX, abs=LOOK_S)


def test_one_thread_that_waits_now_and_then_excuses_no_stuck_loop() -> None:
    moments = itertools.count()
    after = killed_after(lambda _: Activity(cpu_s=7.0, waits=next(moments) % 5 == 0))
    assert after < 2 * (LATE_S + STUCK_S_MAX)


def test_where_the_machine_does_not_tell_a_worker_may_be_silent_for_long() -> None:
    assert killed_after(lambda _: None) == pytest.approx(SILENT_S_MAX, abs=LOOK_S)


def test_supervisor_that_was_kept_waiting_does_not_blame_the_worker() -> None:
    """Three looks, each ten seconds late."""
    stopped = Activity(cpu_s=7.0, waits=False)
    watch = running()
    watch.beat(now=0.0)
    watch.serves(True)
    for now in (8.0, 18.0, 28.0):
        assert watch.next_step(now=now) is Step.LOOK
        watch.looked(stopped, now=now)
    watch.beat(now=28.1)
    assert watch.next_step(now=28.1 + LATE_S) is Step.LOOK
    watch.looked(stopped, now=28.1 + LATE_S)
    assert watch.next_step(now=28.1 + LATE_S) is Step.WAIT, "a beat ends the suspicion"


@given(st.lists(st.floats(0.0, LATE_S + STUCK_S_MAX - 0.01), max_size=50))
def test_beats_that_come_late_kill_nobody(gaps: list[float]) -> None:
    watch, now = running(), 0.0
    watch.serves(True)
    watch.beat(now=now)
    for gap in gaps:
        until = now + gap
        while watch.next_timer() < until:
            now = watch.next_timer()
            assert watch.next_step(now=now) is Step.LOOK
            watch.looked(Activity(cpu_s=1.0, waits=False), now=now)
        now = until
        watch.beat(now=now)
    assert watch.next_step(now=now + EVERY_S) is Step.WAIT


def test_worker_that_does_not_serve_yet_or_any_more_is_not_looked_at() -> None:
    watch = running()
    watch.beat(now=1.0)
    assert watch.next_timer() == 1.0 + SILENT_S_MAX
    watch.serves(True)
    assert watch.next_timer() == 1.0 + LATE_S
    watch.serves(False)
    assert watch.next_timer() == 1.0 + SILENT_S_MAX
    watch.serves(True)
    watch.ended(now=2.0)
    watch.started(now=3.0)
    watch.beat(now=3.5)
    assert watch.next_timer() == 3.5 + SILENT_S_MAX, "the next process is not ready"


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
