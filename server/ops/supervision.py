"""When a worker is started, started again and killed: the rule of a supervisor, in monotonic s.

Drive it: `started` and `beat` as they happen, `ended` when the process is gone; `next_step` says
what to do now, and `next_timer` when to ask again.
"""

import math
from enum import Enum, auto

from server.worker import WORKERS_MAX

START_S_MAX = 60.0
"""From the start to the first beat; twice as long after each process that did not get there."""
START_S_LIMIT = 480.0
"""A machine that is too busy to start a worker in a minute is made no quicker by killing it."""
SILENT_S_MAX = 10.0
"""Between beats of a worker, which come every second."""
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
    START = auto()
    KILL = auto()


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

    @property
    def delay_s(self) -> float:
        """How long the start after the last end was put off."""
        return self._delay_s

    def started(self, *, now: float) -> None:
        """A process runs."""
        assert self._started_at is None, "one process for each number"
        self._started_at = now
        self._beat_at = None
        self._killed = False

    def beat(self, *, now: float) -> None:
        """Its event loop turns."""
        self._beat_at = now

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
        self._killed = True
        return Step.KILL

    def next_timer(self) -> float:
        """Return when there may be something to do; infinite once killed, until `ended`."""
        if self._started_at is None:
            return self._start_at
        if self._killed:
            return math.inf
        if self._beat_at is None:
            return self._started_at + self._start_s
        return self._beat_at + self._silent_s_max
