"""What got worse from some runs to others, beyond the noise.

Timings are compared by the Mann-Whitney U test (Mann and Whitney 1947): of the runs' percentiles
where each side has RUNS_MIN runs or more, else of the percentiles of single seconds, which are not
independent of each other and therefore taken STEP_S apart and judged more strictly. Counts of what
should never happen need no test.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from loadtest.report.result import ReportError, Result
from loadtest.scenario.measures import TIMINGS

RUNS_MIN = 4
STEP_S = 3
SECONDS_MIN = 8
ALPHA_RUNS, ALPHA_SECONDS = 0.05, 0.01
# A difference that is certain may still be too small to matter.
CHANGE_MIN = 0.1
# With more values than this on both sides the normal approximation is exact enough.
EXACT_MAX = 20
MEMBERS = ("p50_ms", "p95_ms", "p99_ms")
NEVER = (
    "viewers.refused",
    "room.gaps",
    "room.duplicates",
    "room.behind",
    "room.lost",
    "room.unrecovered",
    "pins.missed",
    "host.failed",
    "orders.unanswered",
    "orders.oversold",
    "orders.lost",
    "orders.doubled",
    "orders.counter_difference",
    "orders.refunds_owed",
    "groups.seats_difference",
    "media.refused",
    "media.forged",
    "media.ended",
)


class Change(StrEnum):
    """How a measure moved."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure on both sides, by its median; `p` is None where there is no noise."""

    name: str
    before: float
    after: float
    p: float | None
    change: Change


def compare(before: Sequence[Result], after: Sequence[Result]) -> list[Compared]:
    """Return every measure that both sides have, the worse ones first.

    Raises:
        ReportError: They are not of one scenario and size, or a run is invalid.
    """
    _comparable([*before, *after])
    found = [*_timings(before, after), *_counts(before, after)]
    order = list(Change)
    return sorted(found, key=lambda one: order.index(one.change))


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p value that both come from one distribution; 1 for nothing."""
    n, m = len(first), len(second)
    if not n or not m:
        return 1.0
    ranks, ties = _ranks([*first, *second])
    u = sum(ranks[:n]) - n * (n + 1) / 2
    u = min(u, n * m - u)
    if not ties and max(n, m) <= EXACT_MAX:
        ways = sum(_ways(n, m, total) for total in range(int(u) + 1))
        return min(1.0, 2 * ways / math.comb(n + m, n))
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, n * m / 2 - u - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _comparable(results: Sequence[Result]) -> None:
    kinds = {(one.scenario, one.factor, one.planned_s) for one in results}
    if len(kinds) > 1:
        names = ", ".join(
            f"{name} × {factor:g} of {planned_s:g} s" for name, factor, planned_s in sorted(kinds)
        )
        raise ReportError(f"these are runs of different load: {names}")
    for one in results:
        if one.objections:
            raise ReportError(f"the run of {one.started_at} is invalid: {one.objections[0]}")


def _timings(before: Sequence[Result], after: Sequence[Result]) -> Iterator[Compared]:
    by_runs = min(len(before), len(after)) >= RUNS_MIN
    for timing in TIMINGS:
        for member in MEMBERS:
            take = _of_runs if by_runs else _of_seconds
            old, new = (take(side, timing, member) for side in (before, after))
            if (not by_runs and min(len(old), len(new)) < SECONDS_MIN) or not old or not new:
                continue
            p = mann_whitney(old, new)
            was, now = statistics.median(old), statistics.median(new)
            certain = p < (ALPHA_RUNS if by_runs else ALPHA_SECONDS)
            change = Change.SAME
            if certain and abs(now - was) > CHANGE_MIN * was:
                change = Change.WORSE if now > was else Change.BETTER
            yield Compared(f"{timing}.{member}", was, now, p, change)


def _of_runs(results: Sequence[Result], timing: str, member: str) -> list[float]:
    found = (one.measures.get(f"{timing}.{member}") for one in results)
    return [value for value in found if value is not None]


def _of_seconds(results: Sequence[Result], timing: str, member: str) -> list[float]:
    return [
        float(getattr(second.delays[timing], member))
        for one in results
        for second in one.seconds
        if second.second % STEP_S == 0 and timing in second.delays
    ]


def _counts(before: Sequence[Result], after: Sequence[Result]) -> Iterator[Compared]:
    for name in NEVER:
        was, now = (max(one.measures.get(name, 0.0) for one in side) for side in (before, after))
        change = Change.SAME
        if bool(was) != bool(now):
            change = Change.WORSE if now else Change.BETTER
        if was or now:
            yield Compared(name, was, now, None, change)


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """Return the rank of each value, ties sharing theirs, and the sum of t³ − t over all ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties, at = [0.0] * len(values), 0.0, 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for place in order[at:end]:
            ranks[place] = (at + 1 + end) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    return ranks, ties


@cache
def _ways(n: int, m: int, u: int) -> int:
    """Return how many orders of n and m values have the statistic u."""
    if u < 0 or u > n * m:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return _ways(n - 1, m, u - m) + _ways(n, m - 1, u)
