"""The plan of a run: who arrives and leaves when, drawn from the scenario's seed alone.

Times are seconds from the run's start. The same scenario, factor and seed give the same plan, so
several processes can each take their share of it without talking to each other.
"""

import heapq
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtest.errors import LoadError
from loadtest.scenario.model import VIEWERS_MAX, Profile, Scenario, Stage

ARRIVALS_MAX = 500_000


class TooMuch(LoadError):
    """The plan has more viewers than a run may have."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One viewer; `leave_s` is None for who stays until the end."""

    number: int
    at_s: float
    leave_s: float | None
    profile: int
    seed: int


@dataclass(frozen=True, slots=True)
class StageTime:
    """When a stage runs."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is settled before a run."""

    arrivals: tuple[Arrival, ...]
    stages: tuple[StageTime, ...]
    reconnects: tuple[tuple[float, float], ...]
    duration_s: float

    def share(self, worker: int, workers: int) -> tuple[Arrival, ...]:
        """Return what worker `worker` of `workers`, counted from 0, takes on."""
        return self.arrivals[worker::workers]

    def population(self, at_s: float) -> int:
        """Return how many viewers are there at a moment."""
        return sum(
            viewer.at_s <= at_s and (viewer.leave_s is None or viewer.leave_s > at_s)
            for viewer in self.arrivals
        )

    @property
    def peak(self) -> int:
        """The most viewers there are at a time."""
        moves = [(viewer.at_s, 1) for viewer in self.arrivals]
        moves += [(v.leave_s, -1) for v in self.arrivals if v.leave_s is not None]
        present = itertools.accumulate(step for _, step in sorted(moves))
        return max(present, default=0)


def make_plan(scenario: Scenario, factor: float = 1.0, seed: int | None = None) -> Plan:
    """Return the plan of `scenario` with `factor` times its viewers.

    Raises:
        TooMuch: More than VIEWERS_MAX at a time, or ARRIVALS_MAX in all.
    """
    draft = _Draft(scenario.profiles, scenario.seed if seed is None else seed)
    times, reconnects, begin_s = [], [], 0.0
    for number, stage in enumerate(scenario.stages):
        end_s = begin_s + stage.seconds
        times.append(StageTime(stage.name or f"stage {number + 1}", begin_s, end_s))
        if stage.reconnect_within_s is not None:
            reconnects.append((begin_s, stage.reconnect_within_s))
        draft.stage(stage, number, begin_s, factor)
        begin_s = end_s
    return Plan(draft.arrivals(begin_s), tuple(times), tuple(reconnects), begin_s)


def in_turns(weights: Sequence[float]) -> Iterator[int]:
    """Yield indices for ever, each as often as its weight says, evenly mixed.

    This is smooth weighted round-robin: any beginning is as near to the shares as can be.
    """
    total = sum(weights)
    credit = [0.0] * len(weights)
    while True:
        credit = [have + weight for have, weight in zip(credit, weights, strict=True)]
        best = max(range(len(weights)), key=credit.__getitem__)
        credit[best] -= total
        yield best


class _Draft:
    """Viewers so far, and who of them is present."""

    def __init__(self, profiles: tuple[Profile, ...], seed: int) -> None:
        self._profiles = profiles
        self._seed = seed
        self._rng = random.Random(f"{seed}")
        self._turns = in_turns([profile.weight for profile in profiles])
        self._arrivals: list[tuple[float, int, int]] = []
        self._leaves: list[float] = []
        self._leaving: list[tuple[float, int]] = []
        self._staying: dict[int, None] = {}

    def stage(self, stage: Stage, number: int, begin_s: float, factor: float) -> None:
        """Add what happens in one stage."""
        end_s = begin_s + stage.seconds
        if stage.arrivals_per_s is not None:
            rng = random.Random(f"{self._seed}/{number}")
            rate, at_s = stage.arrivals_per_s * factor, begin_s
            while rate > 0 and (at_s := at_s + rng.expovariate(rate)) < end_s:
                self._gone_until(at_s)
                self._arrive(at_s)
        elif stage.viewers is not None:
            self._towards(math.ceil(stage.viewers * factor), begin_s, stage.seconds)
        self._gone_until(end_s)

    def arrivals(self, end_s: float) -> tuple[Arrival, ...]:
        """Return all viewers in the order of their arrival."""
        found = [
            Arrival(number, at_s, leave_s if leave_s < end_s else None, profile, seed)
            for number, ((at_s, profile, seed), leave_s) in enumerate(
                zip(self._arrivals, self._leaves, strict=True)
            )
        ]
        return tuple(sorted(found, key=lambda viewer: (viewer.at_s, viewer.number)))

    def _towards(self, wanted: int, begin_s: float, seconds: float) -> None:
        """Reach `wanted` evenly over the stage; who leaves meanwhile is replaced at once."""
        self._gone_until(begin_s)
        step = wanted - len(self._staying)
        pace_s = seconds / abs(step) if step else 0.0
        for number in range(abs(step)):
            at_s = begin_s + number * pace_s
            self._replace_until(at_s)
            if step > 0:
                self._arrive(at_s)
            else:
                self._leaves[oldest := next(iter(self._staying))] = at_s
                del self._staying[oldest]
        self._replace_until(begin_s + seconds)

    def _arrive(self, at_s: float) -> None:
        number, rng = len(self._arrivals), self._rng
        if number >= ARRIVALS_MAX or len(self._staying) >= VIEWERS_MAX:
            raise TooMuch(
                f"more than {VIEWERS_MAX:,} viewers at a time or {ARRIVALS_MAX:,} in all; "
                "lower --factor"
            )
        profile = next(self._turns)
        stay = self._profiles[profile].stay_s
        leave_s = at_s + max(1.0, stay.draw(rng)) if stay else math.inf
        self._arrivals.append((at_s, profile, rng.getrandbits(48)))
        self._leaves.append(leave_s)
        self._staying[number] = None
        if stay:
            heapq.heappush(self._leaving, (leave_s, number))

    def _gone_until(self, at_s: float) -> list[float]:
        """Take away who has left by `at_s`; return when each did."""
        times = []
        while self._leaving and self._leaving[0][0] <= at_s:
            leave_s, number = heapq.heappop(self._leaving)
            if number in self._staying:
                del self._staying[number]
                times.append(leave_s)
        return times

    def _replace_until(self, at_s: float) -> None:
        while times := self._gone_until(at_s):
            for leave_s in times:
                self._arrive(leave_s)
