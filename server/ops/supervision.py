"""When a worker is started, started again and killed: the rule of a supervisor, in monotonic s.

Drive it: `started`, `beat`, `serves` and, while beats are missing, `looked` as they happen, `ended`
when the process is gone; `next_step` says what to do now, and `next_timer` when to ask again.

A busy machine is no fault of a worker: time in which it waits for a core, a disk or memory does not
count against it. Time in which it runs without a beat counts, and time in which nothing of it wants
to run counts more: it is stopped, or its event loop waits for something that does not come.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from server.worker import WORKERS_MAX

START_S_MAX = 60.0
"""From the start to the first beat; twice as long after each process that did not get there."""
START_S_LIMIT = 480.0
"""A machine that is too busy to start a worker in a minute is made no quicker by killing it."""
SILENT_S_MAX = 30.0
"""Between beats, whatever the process does meanwhile."""
LATE_S = 0.75
"""After a beat; they come every half second. One that serves is looked at from then on."""
LOOK_S = 0.25
STUCK_S_MAX = 1.25
"""Of looks at a worker that serves and did not want to run."""
BUSY_S_MAX = 2.25
"""Of processor time that a worker that serves used, looked at, without a beat."""
DELAY_S_FIRST = 0.1
DELAY_S_MAX = 30.0
STEADY_S = 60.0
"""A worker that ran for so long is started again without a longer delay."""


def worker_count(wanted: int, *, cores: int, embedded: bool) -> int:
    """Return how many workers a node has; `wanted` 0 is one for each core.

    Where Redis or the record are `embedded`, that is one: all of them would write one SQLite file.
    """
    return wanted or (1 if embedded else min(cores, WORKERS_MAX))


class Step(Enum):
    """What the supervisor does with a worker now."""

    WAIT = auto()
    LOOK = auto()
    START = auto()
    KILL = auto()


@dataclass(frozen=True, slots=True)
class Activity:
    """What the threads of a process do at one moment."""

    cpu_s: float  # that they have used since it began
    waits: bool  # one of them wants to run, waits for a disk or memory, or is held by a debugger


class Watch:
    """One worker number of a node."""

    def __init__(self, *, now: float, silent_s_max: float = SILENT_S_MAX) -> None:
        self._silent_s_max = silent_s_max
        self._start_at = now
        self._delay_s = 0.0
        self._start_s = START_S_MAX
        self._started_at: float | None = None  # while a process runs
        self._beat_at: float | None = None
        self._killed = False
        self._serves = False
        self._look: tuple[float, Activity | None] | None = None  # the last one since the last beat
        self._unresponsive = 0.0  # share of what ends it; 1: it does not answer

    @property
    def delay_s(self) -> float:
        """How long the start after the last end was put off."""
        return self._delay_s

    def started(self, *, now: float) -> None:
        """A process runs."""
        assert self._started_at is None, "one process for each number"
        self._started_at = now
        self._beat_at = None
        self._killed = self._serves = False
        self._acquit()

    def beat(self, *, now: float) -> None:
        """Its event loop turns."""
        self._beat_at = now
        self._acquit()

    def serves(self, people: bool) -> None:
        """Whether it takes connections; before that it computes, and after it waits for threads.

        Only then is it looked at; any other silence may last `silent_s_max`.
        """
        self._serves = people

    def looked(self, activity: Activity | None, *, now: float) -> None:
        """What it does while beats are missing; None: this machine does not tell."""
        before, self._look = self._look, (now, activity)
        if before is None or before[1] is None or activity is None:
            return
        # A supervisor that looks late was kept waiting itself, and knows nothing of the time.
        passed_s = min(now - before[0], 2 * LOOK_S)
        ran_s = min(max(0.0, activity.cpu_s - before[1].cpu_s), passed_s)
        idle_s = 0.0 if activity.waits or before[1].waits else passed_s - ran_s
        self._unresponsive += ran_s / BUSY_S_MAX + idle_s / STUCK_S_MAX

    def ended(self, *, now: float) -> None:
        """The process is gone, for whatever reason."""
        assert self._started_at is not None, "started before"
        never_ran = self._killed and self._beat_at is None
        grown_start_s = min(START_S_LIMIT, self._start_s * 2)
        self._start_s = grown_start_s if never_ran else START_S_MAX
        steady = not never_ran and now - self._started_at >= STEADY_S
        grown_s = max(DELAY_S_FIRST, self._delay_s * 2)
        self._delay_s = DELAY_S_FIRST if steady else min(grown_s, DELAY_S_MAX)
        self._start_at = now + self._delay_s
        self._started_at = None

    def next_step(self, *, now: float) -> Step:
        """Return what is to be done; a process is killed once."""
        if self._started_at is None:
            return Step.START if now >= self._start_at else Step.WAIT
        if now < self.next_timer():
            return Step.WAIT
        if self._unresponsive < 1.0 and now < self._kill_at(self._started_at):
            return Step.LOOK
        self._killed = True
        return Step.KILL

    def next_timer(self) -> float:
        """Return when there may be something to do; infinite once killed, until `ended`."""
        if self._started_at is None:
            return self._start_at
        if self._killed:
            return math.inf
        kill_at = self._kill_at(self._started_at)
        if self._beat_at is None or not self._serves:
            return kill_at
        if self._look is None:
            return min(kill_at, self._beat_at + LATE_S)
        return min(kill_at, self._look[0] + (LOOK_S if self._unresponsive < 1.0 else 0.0))

    def _kill_at(self, started_at: float) -> float:
        if self._beat_at is None:
            return started_at + self._start_s
        return self._beat_at + self._silent_s_max

    def _acquit(self) -> None:
        self._look = None
        self._unresponsive = 0.0
