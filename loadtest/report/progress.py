"""What is known of a run while it goes on."""

import time
from collections import deque
from dataclasses import dataclass, field

from loadtest.measure.recorder import Interval
from loadtest.measure.stalls import doubtful
from loadtest.report.result import Judged, Second, second_of
from loadtest.scenario.plan import Plan, StageTime
from loadtest.scenario.thresholds import Threshold

# Shares report a second within this many more.
SETTLED_AFTER = 3


@dataclass(slots=True)
class Progress:
    """Adds up what the shares of a run measure."""

    title: dict[str, str]
    target: str
    plan: Plan
    thresholds: tuple[Threshold, ...] = ()
    phase: str = "preparing"
    total: Interval = field(default_factory=Interval)
    # What no stall of the tester has touched, and how many seconds one has.
    calm: Interval = field(default_factory=Interval)
    stalled: int = 0
    done: list[Second] = field(default_factory=list)
    start_ns: int = 0
    why_ended: str = ""
    target_gone: bool = False
    _open: deque[Interval] = field(default_factory=deque)

    def add(self, interval: Interval) -> None:
        """Take in an interval of one share; what comes late counts for a later second."""
        self.total.add(interval)
        first = len(self.done)
        while len(self._open) <= interval.second - first:
            self._open.append(Interval(first + len(self._open)))
        second = self._open[max(0, interval.second - first)]
        second.add(interval)
        second.population += interval.population
        while len(self._open) > SETTLED_AFTER:
            self._settle()

    def all_seconds(self) -> list[Second]:
        """Return every second, the newest included, once all shares have ended."""
        while self._open:
            self._settle()
        return self.done

    def doubts(self, measures: dict[str, float]) -> list[str]:
        """Return why a threshold that does not hold may be the tester's own fault."""
        found = doubtful(self.thresholds, measures, self.calm.measured())
        if not found:
            return []
        return [
            f"the tester was held up for up to {self.total.stall_s * 1e3:.0f} ms: without those "
            f"{self.stalled} s nothing speaks against {', '.join(map(str, found))}"
        ]

    def _settle(self) -> None:
        """Take a second for whole. Where one process stood still, others waited for it."""
        interval = self._open.popleft()
        self.done.append(second_of(interval))
        if interval.stall_s:
            self.stalled += 1
        else:
            self.calm.add(interval)

    def judge(self, measures: dict[str, float]) -> list[Judged]:
        """Hold the thresholds against what was measured."""
        return [
            Judged(str(one), measures.get(one.name), one.holds(measures)) for one in self.thresholds
        ]

    @property
    def played_s(self) -> float:
        """How long it has been running, by the monotonic clock."""
        return max(0.0, (time.monotonic_ns() - self.start_ns) / 1e9) if self.start_ns else 0.0

    @property
    def stage(self) -> StageTime:
        """The stage that runs."""
        stages = self.plan.stages
        return next((one for one in stages if self.played_s < one.end_s), stages[-1])
