"""Schedules of faults: the same for the same seed, bounded, and never both nodes at a time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chaos.schedule import (
    AWAY_S,
    FAULTS_MAX,
    NODE_START_S,
    SPACING_S,
    Kind,
    draw,
    length_s,
)

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(0, FAULTS_MAX), st.integers(1, 4))
def test_schedule_is_bounded_in_count_and_time(seed: int, faults: int, workers: int) -> None:
    schedule = draw(seed, faults=faults, workers=workers)
    assert len(schedule) == faults
    assert schedule == draw(seed, faults=faults, workers=workers)
    starts = [fault.at_s for fault in schedule]
    assert all(later - earlier >= SPACING_S[0] for earlier, later in pairwise(starts))
    for fault in schedule:
        least, most = AWAY_S[fault.kind]
        assert least <= fault.away_s <= most and fault.worker < workers
        assert fault.at_s + fault.away_s < length_s(schedule)


@given(SEEDS)
def test_at_most_one_node_is_away_at_a_time(seed: int) -> None:
    schedule = draw(seed, faults=FAULTS_MAX)
    for number, killed in enumerate(schedule):
        if killed.kind is not Kind.NODE:
            continue
        for later in schedule[number + 1 :]:
            if later.at_s < killed.at_s + killed.away_s + NODE_START_S:
                assert later.kind is not Kind.NODE and later.node != killed.node


@given(SEEDS)
def test_every_kind_comes_up_before_any_comes_twice(seed: int) -> None:
    assert {fault.kind for fault in draw(seed, faults=len(Kind))} == set(Kind)


def test_fault_says_which_signal_goes_where() -> None:
    said = {fault.kind: str(fault) for fault in draw(1)}
    assert said[Kind.STOPPED].startswith("kill -STOP worker ")
    assert said[Kind.WORKER].startswith("kill -9 worker ")
    assert said[Kind.REDIS].startswith("kill -9 redis, away for ")


def test_ten_seeds_kill_either_node_and_any_worker() -> None:
    faults = [fault for seed in range(1, 11) for fault in draw(seed)]
    assert {fault.node for fault in faults if fault.kind is Kind.NODE} == {"a", "b"}
    workers = {(fault.node, fault.worker) for fault in faults if fault.kind is Kind.WORKER}
    assert len(workers) >= 3


def test_endless_schedule_is_refused() -> None:
    with pytest.raises(ValueError):
        draw(1, faults=FAULTS_MAX + 1)
