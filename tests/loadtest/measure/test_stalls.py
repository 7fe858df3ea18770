"""A tester that was held up says so, and blames nobody else for it. In virtual time."""

import os
from pathlib import Path

import pytest

from loadtest.measure.recorder import Interval, Recorder
from loadtest.measure.run_queue import RunQueue
from loadtest.measure.self_check import LAG_P99_MS_MAX, LOOK_S, SelfWatch
from loadtest.measure.stalls import AFTER_S, STALL_S, Stalls
from loadtest.report.progress import Progress
from loadtest.scenario.plan import Plan, StageTime
from loadtest.scenario.thresholds import Threshold
from tests.support.loadtest_results import TITLE

SECONDS = 20
THRESHOLDS = ("room.delivery.p99_ms < 300", "media.freezes == 0", "room.gaps == 0")


def watched(*stalls: tuple[float, float], seconds: float = SECONDS) -> SelfWatch:
    """A watch of a loop that stood still from the first time of each of `stalls` to the second."""
    watch, now = SelfWatch(), 0.0
    while now < seconds:
        due = watch.look(now, 1_700_000_000 + now)
        now = next((until for since, until in stalls if since <= due < until), due)
    return watch


def played(
    *stalls: tuple[float, float], slow_s: tuple[int, ...] = (), delay_ms: int = 430
) -> list[str]:
    """What is said of a run that found delays, freezes and a lost event in the seconds `slow_s`."""
    watch = watched(*stalls)
    plan = Plan((), (StageTime("all", 0.0, SECONDS),), (), float(SECONDS))
    progress = Progress(TITLE, "http://linli", plan, tuple(map(Threshold.parse, THRESHOLDS)))
    for second in range(SECONDS):
        recorder = Recorder()
        for _ in range(60):
            slow = second in slow_s
            recorder.delay("room.delivery", 0, (delay_ms if slow else 5) * 1_000_000)
        recorder.counts["media.freezes"] += second in slow_s
        progress.add(recorder.cut(second, watch.stalls.longest_s(second, second + 1)))
    progress.all_seconds()
    return progress.doubts(progress.total.measured())


def test_a_stall_of_the_tester_is_not_blamed_on_the_server() -> None:
    (doubt,) = played((1.3, 1.73), slow_s=(1,))
    assert doubt == (
        "the tester was held up for up to 430 ms: without those 2 s nothing speaks against "
        "room.delivery.p99_ms < 300, media.freezes == 0"
    )


def test_what_waited_for_a_stall_at_the_end_of_a_second_is_found_in_the_next() -> None:
    assert "without those 2 s" in played((1.6, 1.99), slow_s=(2,))[0]


def test_a_fault_of_the_server_stays_one_though_the_tester_was_held_up_elsewhere() -> None:
    assert played(slow_s=(7, 8)) == []
    assert played((1.3, 1.73), slow_s=(7, 8)) == []
    assert played((1.3, 1.73), slow_s=(1, 7, 8)) == []


def test_what_holds_in_spite_of_a_stall_holds() -> None:
    assert played((1.3, 1.73)) == []


def test_a_tester_that_was_held_up_all_the_time_proves_nothing() -> None:
    stalls = [(at + 0.1, at + 0.4) for at in range(SECONDS)]
    assert "without those 20 s" in played(*stalls, slow_s=(4, 9))[0]
    lag_ms = watched(*stalls).result().lag_p99_ms
    assert lag_ms > LAG_P99_MS_MAX


def test_every_look_that_was_due_in_a_stall_counts() -> None:
    still = watched((5.0, 6.0)).result()
    assert still.lag_max_ms == pytest.approx(1_000, abs=LOOK_S * 1e3)
    # A second in twenty: of every hundred looks five were up to a second late.
    assert 700 < still.lag_p99_ms < 900
    late = f"the tester's own loop was {still.lag_p99_ms:.0f} ms late (p99)"
    assert late in still.objections()
    assert watched().result().lag_max_ms == pytest.approx(0.0)


def test_a_step_of_the_clock_is_seen_and_slewing_is_not() -> None:
    watch = SelfWatch()
    for at_s, wall_s in ((0.0, 100.0), (0.05, 100.051), (0.1, 100.352)):
        watch.look(at_s, wall_s)
    assert watch.result().clock_step_ms == pytest.approx(251)


def test_a_stall_reaches_into_the_time_in_which_what_waited_is_dealt_with() -> None:
    stalls = Stalls()
    stalls.note(STALL_S / 2, 3.0)
    assert stalls.longest_s(0.0, 9.0) == 0.0
    stalls.note(0.5, 3.0)
    assert stalls.longest_s(2.0, 2.4) == 0.0
    assert stalls.longest_s(2.0, 3.0) == stalls.longest_s(3.0, 4.0) == 0.5
    assert stalls.longest_s(3.0 + AFTER_S, 9.0) == 0.0


def test_a_stall_of_one_process_counts_for_the_second_of_all() -> None:
    both = Interval()
    for stall_s in (0.0, 0.4):
        both.add(Interval.decode(Recorder().cut(3, stall_s).encode()))
    assert both.stall_s == 0.4


def test_what_threads_waited_for_a_core_is_read(tmp_path: Path) -> None:
    def waited(*threads_s: float) -> None:
        for number, waited_s in enumerate(threads_s):
            task = tmp_path / str(number)
            task.mkdir(exist_ok=True)
            (task / "schedstat").write_text(f"1000 {int(waited_s * 1e9)} 7\n")

    queue = RunQueue(os.getpid())
    assert queue.waited_s() == 0.0
    queue = RunQueue(0, tasks=tmp_path)
    waited(2.0, 5.0)
    assert queue.waited_s() == 0.0  # what was before is nobody's concern
    waited(2.4, 5.1, 0.2)
    assert queue.waited_s() == pytest.approx(0.4)
    assert RunQueue(0, tasks=tmp_path / "gone").waited_s() == 0.0
