"""What several processes measure adds up to what one would have measured."""

import errno
import random
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measure.recorder import (
    DELAY_US_MAX,
    ERROR_KINDS_MAX,
    OTHER_ERRORS,
    Interval,
    Recorder,
    delay_histogram,
    percentiles,
)
from loadtest.measure.self_check import (
    CLOCK_STEP_MS_MAX,
    CPU_SHARE_MAX,
    LAG_P99_MS_MAX,
    SelfCheck,
    SelfWatch,
)
from loadtest.scenario.measures import NAMES


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**13)), min_size=1, max_size=60),
    st.integers(0, 2**32),
)
def test_intervals_of_processes_merge_exactly(values: list[tuple[int, int]], seed: int) -> None:
    whole, parts = Recorder(), [Recorder() for _ in range(4)]
    for part, delay_ns in values:
        for recorder in (whole, parts[part]):
            recorder.delay("join", 0, delay_ns)
            recorder.counts["room.messages"] += 1
    cuts = [msgspec.json.decode(msgspec.json.encode(part.cut(1).encode())) for part in parts]
    random.Random(seed).shuffle(cuts)
    merged = Interval()
    for cut in cuts:
        merged.add(Interval.decode(cut))
    assert merged.measured() == whole.cut(1).measured()


@given(
    st.lists(st.integers(1, DELAY_US_MAX), min_size=1, max_size=200),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
)
def test_percentiles_are_those_of_the_histogram(values: list[int], percents: list[float]) -> None:
    histogram = delay_histogram()
    for value in values:
        histogram.record_value(value)
    expected = [histogram.get_value_at_percentile(percent) for percent in percents]
    assert percentiles(histogram, percents) == expected


def test_every_name_of_a_threshold_is_measured() -> None:
    recorder = Recorder()
    for name in ("join", "room.delivery"):
        recorder.delay(name, 0, 5_000_000)
    measured = recorder.cut(0).measured()
    assert measured.keys() <= set(NAMES)
    assert {name for name in NAMES if name.startswith("join.")} <= measured.keys()
    assert 4.99 < measured["join.p99_ms"] < 5.01
    assert measured["tap.answer.count"] == 0
    assert "tap.answer.p99_ms" not in measured


def test_a_cut_begins_anew() -> None:
    recorder = Recorder()
    recorder.counts["room.gaps"] += 1
    recorder.delay("join", 0, 1)
    recorder.cut(0)
    assert recorder.cut(1) == Interval(1)


def test_endless_kinds_of_errors_are_kept_within_bounds() -> None:
    total = Interval()
    for number in range(2 * ERROR_KINDS_MAX):
        total.add(Interval(errors=Counter({f"kind {number}": 1})))
    assert len(total.errors) == ERROR_KINDS_MAX + 1
    assert total.errors[OTHER_ERRORS] == ERROR_KINDS_MAX


def test_each_way_to_be_the_bottleneck_is_an_objection() -> None:
    assert SelfCheck().objections() == []
    bad = SelfCheck(
        lag_p99_ms=LAG_P99_MS_MAX + 1,
        cpu_share=CPU_SHARE_MAX + 0.01,
        clock_step_ms=CLOCK_STEP_MS_MAX + 1,
        own_errors=2,
    )
    assert len(bad.objections()) == 4
    assert SelfCheck().worse(bad).objections() == bad.objections()


def test_a_socket_that_our_own_machine_refuses_is_not_the_targets_fault() -> None:
    watch = SelfWatch()
    for number in (errno.EMFILE, errno.EADDRNOTAVAIL, errno.ECONNREFUSED, errno.ETIMEDOUT):
        watch.on_os_error(OSError(number, "refused"))
    assert watch.own_errors == watch.result().own_errors == 2
