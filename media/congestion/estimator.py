"""What a line carries, reckoned from when its packets came, as browsers do it themselves.

For viewers that tell arrivals (transport-wide feedback) instead of an estimate of their own (REMB):
the delay-based half of draft-ietf-rmcat-gcc-02, section 5, with the trend of the delay by least
squares, over the newest packet of each report instead of groups of packets: a tenth of the work.
Pure: times are seconds, of the sender's and the receiver's clock, which need not agree.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

BEGINS_AT = 300_000.0  # bit/s
LEAST = 30_000.0
# Section 5.5: the rate grows by 8 % a second, and falls to 85 % of what came through.
GROWTH_PER_S = 1.08
FALLS_TO = 0.85
# It is never much more than what is sent, since of that nothing is known.
BEYOND = 1.5
BEYOND_BPS = 10_000.0
CAME_S = 0.5  # what comes is counted over so long
CAME_MAX = 100  # reports in that time, whatever the receiver's clock does
SAME_GROUP_S = 0.005  # what left together waits for each other
REPORTS = 10  # over which a trend is looked for
SMOOTHING = 0.8
FLAT_MS = 3.0  # delays that differ by less have no trend
# Section 5.4, in milliseconds: how steep the trend may be, adapted to what is usual on the line.
GAIN = 3.0
COUNTED_MAX = 60
THRESHOLD_MS = 12.5
THRESHOLD_MS_MIN, THRESHOLD_MS_MAX = 6.0, 600.0
RISES, FALLS = 0.0087, 0.039
OUTLIER_MS = 15.0
ADAPTS_MS_MAX = 100.0
# A clock that jumps so far, or a pause, begins everything anew.
JUMP_S = 3.0


class Arrival(NamedTuple):
    """The newest packet that a report tells of."""

    sent: float  # by our clock
    came: float  # by the receiver's
    bits: float  # that came since the one before, this one included


class Estimator:
    """One line. Hand what every report tells to `hear`, one after the other."""

    def __init__(self) -> None:
        self.bits_per_s = BEGINS_AT
        self._trend = _Trend()
        self._came: deque[tuple[float, float]] = deque()
        self._bits = 0.0
        self._told_at = 0.0

    def hear(self, arrival: Arrival, *, now: float) -> float:
        """Return the newest estimate, in bit/s."""
        elapsed, self._told_at = min(1.0, now - self._told_at), now
        self._count(arrival)
        overused = self._trend.hear(arrival.sent, arrival.came)
        through = self._through()
        if overused and through:
            self.bits_per_s = max(LEAST, min(self.bits_per_s, FALLS_TO * through))
        elif self._trend.level:
            grown = self.bits_per_s * GROWTH_PER_S**elapsed
            most = max(self.bits_per_s, BEYOND * through + BEYOND_BPS)
            self.bits_per_s = max(through, min(grown, most))
        return self.bits_per_s

    def _count(self, arrival: Arrival) -> None:
        came = self._came
        if came and abs(arrival.came - came[-1][0]) > JUMP_S:
            came.clear()
            self._bits = 0.0
        came.append((arrival.came, arrival.bits))
        self._bits += arrival.bits
        while came[-1][0] - came[0][0] > CAME_S or len(came) > CAME_MAX:
            self._bits -= came.popleft()[1]

    def _through(self) -> float:
        """Return how many bit/s came of late; 0 before that can be told."""
        if len(self._came) < 2:
            return 0.0
        span = self._came[-1][0] - self._came[0][0]
        # The first of them began what is counted.
        return (self._bits - self._came[0][1]) / span if span > CAME_S / 2 else 0.0


class _Trend:
    """Whether packets take longer and longer: the queue on the way grows."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None  # sent, came
        self._delay_ms = self._smoothed_ms = 0.0
        self._times: deque[float] = deque(maxlen=REPORTS)
        self._delays: deque[float] = deque(maxlen=REPORTS)
        self._counted = 0
        self._threshold_ms = THRESHOLD_MS
        self._adapted_at = 0.0
        self._steep = False
        self._slope = 0.0
        self._began = 0.0
        self.level = True  # neither growing nor draining

    def hear(self, sent: float, came: float) -> bool:
        """Take a packet; whether the line is overused."""
        before = self._before
        if before is None or abs(came - before[1]) > JUMP_S or sent < before[0] - JUMP_S:
            self._anew(sent, came)
            return False
        if sent - before[0] <= SAME_GROUP_S:
            return False
        self._before = sent, came
        return self._add(sent - before[0], came - before[1], came)

    def _anew(self, sent: float, came: float) -> None:
        self._before = sent, came
        self._times.clear()
        self._delays.clear()
        self._delay_ms = self._smoothed_ms = self._slope = 0.0
        self._counted, self._began, self._adapted_at = 0, came, came
        self._steep, self.level = False, True

    def _add(self, sent_s: float, came_s: float, came: float) -> bool:
        self._counted += 1
        self._delay_ms += (came_s - sent_s) * 1e3
        self._smoothed_ms += (1 - SMOOTHING) * (self._delay_ms - self._smoothed_ms)
        self._times.append((came - self._began) * 1e3)
        self._delays.append(self._smoothed_ms)
        slope_before, self._slope = self._slope, self._slope_now()
        trend_ms = min(self._counted, COUNTED_MAX) * self._slope * GAIN
        self.level = abs(trend_ms) <= self._threshold_ms
        steep_before, self._steep = self._steep, trend_ms > self._threshold_ms
        self._adapt(abs(trend_ms), came)
        # Twice in a row, and not while it already gets better.
        return self._steep and steep_before and self._slope >= slope_before

    def _slope_now(self) -> float:
        delays = self._delays
        if len(delays) < REPORTS or max(delays) - min(delays) < FLAT_MS:
            return 0.0
        return _slope(self._times, delays)

    def _adapt(self, trend_ms: float, came: float) -> None:
        """Let the threshold follow what is usual, but no sudden step."""
        elapsed_ms = min(ADAPTS_MS_MAX, max(0.0, came - self._adapted_at) * 1e3)
        self._adapted_at = came
        off_ms = trend_ms - self._threshold_ms
        if off_ms > OUTLIER_MS:
            return
        self._threshold_ms += (RISES if off_ms > 0 else FALLS) * off_ms * elapsed_ms
        self._threshold_ms = max(THRESHOLD_MS_MIN, min(THRESHOLD_MS_MAX, self._threshold_ms))


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the slope of the straight line that is nearest to all points."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = spread = 0.0
    for x, y in zip(xs, ys, strict=True):
        off = x - mean_x
        above += off * (y - mean_y)
        spread += off * off
    return above / spread if spread else 0.0
