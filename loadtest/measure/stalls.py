"""When the tester itself was held up: what it measured then proves nothing. Pure rules.

Of the tester are its processes, the host it has go live, and a server that it has started itself.
Times are seconds of the monotonic clock.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from loadtest.scenario.thresholds import Threshold

STALL_S = 0.1
# What waited during a stall is dealt with, and measured, in this time after it.
AFTER_S = 1.0
STALLS_MAX = 1_000
# Counts that a stall makes larger. Every timing is such, too.
COUNTS_OF_TIME = frozenset(
    (
        "media.freezes",
        "media.missing",
        "glass.freezes",
        "glass.skipped",
        "glass.repeated",
        "hls.skipped",
        "replay.stalls",
    )
)


class Stalls:
    """The newest stalls of a process."""

    def __init__(self) -> None:
        self._stalls: deque[tuple[float, float]] = deque(maxlen=STALLS_MAX)

    def note(self, lasted_s: float, until_s: float) -> None:
        """Note that work waited for `lasted_s` until `until_s`, if that is long enough."""
        if lasted_s >= STALL_S:
            self._stalls.append((until_s - lasted_s, until_s))

    def longest_s(self, begin_s: float, end_s: float) -> float:
        """Return the longest stall that reaches, with what waited, between the two."""
        found = (
            until_s - from_s
            for from_s, until_s in self._stalls
            if from_s < end_s and until_s + AFTER_S > begin_s
        )
        return max(found, default=0.0)


def waits_s(late_s: float, every_s: float) -> Iterator[float]:
    """Yield how long each look waited that was due, every so often, while nothing was done.

    After a stall there is a single late look, however many were due in it.
    """
    yield late_s
    while (late_s := late_s - every_s) > 0.0:
        yield late_s


def doubtful(
    thresholds: Sequence[Threshold], total: Mapping[str, float], calm: Mapping[str, float]
) -> list[Threshold]:
    """Return the thresholds that do not hold, but would without what stalls may have done.

    `total` is what was measured, `calm` the part of it that no stall has touched. A stall makes
    delays longer and pictures freeze, never the other way round: what holds with it, holds.
    """
    return [
        one
        for one in thresholds
        if _is_of_time(one) and one.holds(total) is False and one.holds(calm) is not False
    ]


def _is_of_time(threshold: Threshold) -> bool:
    return threshold.name.endswith("_ms") or threshold.name in COUNTS_OF_TIME
