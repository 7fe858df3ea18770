"""Two sets of runs are compared by a test that knows noise."""

import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.report.compare import Change, Compared, compare, mann_whitney
from loadtest.report.result import Percentiles, ReportError, Result, Second
from tests.support.loadtest_results import loadtest_result


def by_hand(first: list[int], second: list[int]) -> float:
    """The p value by going through every way to split the values."""
    both, n = first + second, len(first)

    def u(chosen: tuple[int, ...]) -> int:
        mine = [both[at] for at in chosen]
        theirs = [both[at] for at in range(len(both)) if at not in chosen]
        return sum(a > b for a in mine for b in theirs)

    middle = n * len(second) / 2
    seen = abs(u(tuple(range(n))) - middle)
    splits = list(itertools.combinations(range(len(both)), n))
    return sum(abs(u(split) - middle) >= seen for split in splits) / len(splits)


@given(st.permutations(range(9)), st.integers(1, 8))
def test_small_samples_have_the_exact_p_value(values: list[int], n: int) -> None:
    first, second = values[:n], values[n:]
    assert mann_whitney(first, second) == pytest.approx(by_hand(first, second))


@given(st.lists(st.floats(-9, 9), max_size=30), st.lists(st.floats(-9, 9), max_size=30))
def test_a_p_value_is_a_probability_and_knows_no_sides(
    first: list[float], second: list[float]
) -> None:
    p = mann_whitney(first, second)
    assert 0 <= p <= 1
    assert p == pytest.approx(mann_whitney(second, first))


def test_one_distribution_is_rarely_taken_for_two() -> None:
    rng = random.Random(4)

    def draw() -> list[float]:
        return [rng.gauss(0, 1) for _ in range(25)]

    alarms = sum(mann_whitney(draw(), draw()) < 0.05 for _ in range(400))
    assert 8 <= alarms <= 34  # 20 are expected


def run(rng: random.Random, delay_ms: float, seconds: int = 60, gaps: float = 0.0) -> Result:
    """A run whose deliveries take about `delay_ms`, with noise."""

    def second(number: int) -> Second:
        at = delay_ms * rng.lognormvariate(0, 0.1)
        return Second(number, 1, {}, {"room.delivery": Percentiles(9, at, at * 2, at * 3, at * 4)})

    at = delay_ms * rng.lognormvariate(0, 0.1)
    measures = {f"room.delivery.{name}": at for name in ("p50_ms", "p95_ms", "p99_ms")}
    return msgspec.structs.replace(
        loadtest_result(seconds=2),
        measures=measures | {"room.gaps": gaps},
        seconds=[second(number) for number in range(seconds)],
    )


def changes(found: list[Compared]) -> dict[str, Change]:
    return {one.name: one.change for one in found}


@pytest.mark.parametrize("runs", [1, 5])
def test_slower_runs_are_worse_and_like_ones_the_same(runs: int) -> None:
    rng = random.Random(runs)
    before = [run(rng, 20) for _ in range(runs)]
    like, slow = ([run(rng, delay) for _ in range(runs)] for delay in (20, 40))
    assert set(changes(compare(before, like)).values()) == {Change.SAME}
    assert set(changes(compare(before, slow)).values()) == {Change.WORSE}
    assert set(changes(compare(slow, before)).values()) == {Change.BETTER}


def test_a_fault_that_was_not_there_is_worse_whatever_the_noise() -> None:
    rng = random.Random(1)
    found = compare([run(rng, 20)], [run(rng, 20, gaps=1)])
    assert found[0].name == "room.gaps"
    assert found[0].change is Change.WORSE


def test_runs_of_different_load_are_not_compared() -> None:
    rng = random.Random(1)
    other = msgspec.structs.replace(run(rng, 20), factor=2.0)
    with pytest.raises(ReportError, match=r"different load: one × 1 of .* s, one × 2"):
        compare([run(rng, 20)], [other])


def test_an_invalid_run_is_not_compared() -> None:
    invalid = msgspec.structs.replace(run(random.Random(1), 20), objections=["late"])
    with pytest.raises(ReportError, match="is invalid: late"):
        compare([invalid], [invalid])
