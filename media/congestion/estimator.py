"""Bandwidth of a link, estimated from the arrival times of its packets.

For viewers that send transport-wide feedback instead of an estimate of their own (REMB): the
delay-based controller of draft-ietf-rmcat-gcc-02, section 5. Two differences: the trend of the
queuing delay is fitted by least squares (as in libwebrtc's trendline estimator) instead of a Kalman
filter, and over the newest packet of each feedback message instead of every packet group, which is
a tenth of the work. Pure: times are seconds, of the sender's and the receiver's clock, which need
not agree.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

BITRATE_START_BPS = 300_000.0
BITRATE_MIN_BPS = 30_000.0
# Section 5.5: multiplicative increase per second, and decrease to a part of the received bitrate.
ETA = 1.08
BETA = 0.85
# The estimate stays near what is received, since nothing is known of a bandwidth that is not used.
RECEIVED_BITRATE_RATIO_MAX = 1.5
RECEIVED_BITRATE_MARGIN_BPS = 10_000.0
RECEIVED_WINDOW_S = 0.5
RECEIVED_ARRIVALS_MAX = 100  # in that window, whatever the receiver's clock does
BURST_TIME_S = 0.005  # section 5.2: packets sent within it form one group
# The trendline, with libwebrtc's names and values where it has them.
TRENDLINE_WINDOW_ARRIVALS = 10
TRENDLINE_SMOOTHING = 0.8
TRENDLINE_SPREAD_MS_MIN = 3.0  # delays that differ by less have no trend
TRENDLINE_GAIN = 3.0
DELTAS_MAX = 60
# Section 5.4: the threshold adapts to what is usual on the link.
DEL_VAR_TH_MS = 12.5
DEL_VAR_TH_MS_MIN, DEL_VAR_TH_MS_MAX = 6.0, 600.0
K_UP, K_DOWN = 0.0087, 0.039
DEL_VAR_OUTLIER_MS = 15.0  # above the threshold; such a step does not adapt it
ADAPTATION_INTERVAL_MS_MAX = 100.0
CLOCK_JUMP_S = 3.0  # a jump of a clock, or a pause, that resets the estimator


class Arrival(NamedTuple):
    """The newest packet of one feedback message."""

    sent_at: float  # by our clock
    arrived_at: float  # by the receiver's
    bits: float  # received since the previous arrival, this one included


class Estimator:
    """One link. Call `on_arrival` for every feedback message, in order."""

    def __init__(self) -> None:
        self.bits_per_s = BITRATE_START_BPS
        self._trendline = _Trendline()
        self._received = _ReceivedBitrate()
        self._updated_at = 0.0

    def on_arrival(self, arrival: Arrival, *, now: float) -> float:
        """Return the newest estimate, in bit/s."""
        elapsed, self._updated_at = min(1.0, now - self._updated_at), now
        self._received.on_arrival(arrival)
        overuse = self._trendline.on_arrival(arrival.sent_at, arrival.arrived_at)
        received = self._received.bits_per_s()
        if overuse and received:
            self.bits_per_s = max(BITRATE_MIN_BPS, min(self.bits_per_s, BETA * received))
        elif self._trendline.is_normal:
            increased = self.bits_per_s * ETA**elapsed
            limit = RECEIVED_BITRATE_RATIO_MAX * received + RECEIVED_BITRATE_MARGIN_BPS
            self.bits_per_s = max(received, min(increased, max(self.bits_per_s, limit)))
        return self.bits_per_s


class _ReceivedBitrate:
    """What arrived within RECEIVED_WINDOW_S (section 5.5, R_hat)."""

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, float]] = deque()  # at, bits
        self._bits = 0.0

    def on_arrival(self, arrival: Arrival) -> None:
        arrivals = self._arrivals
        if arrivals and abs(arrival.arrived_at - arrivals[-1][0]) > CLOCK_JUMP_S:
            arrivals.clear()
            self._bits = 0.0
        arrivals.append((arrival.arrived_at, arrival.bits))
        self._bits += arrival.bits
        while (
            arrivals[-1][0] - arrivals[0][0] > RECEIVED_WINDOW_S
            or len(arrivals) > RECEIVED_ARRIVALS_MAX
        ):
            self._bits -= arrivals.popleft()[1]

    def bits_per_s(self) -> float:
        """Return the bitrate; 0 until half a window has been seen."""
        arrivals = self._arrivals
        if len(arrivals) < 2:
            return 0.0
        span = arrivals[-1][0] - arrivals[0][0]
        # The bits of the first arrival belong to the time before the span.
        return (self._bits - arrivals[0][1]) / span if span > RECEIVED_WINDOW_S / 2 else 0.0


class _Trendline:
    """The over-use detector (section 5.4): whether the queuing delay grows."""

    def __init__(self) -> None:
        self._previous: tuple[float, float] | None = None  # sent_at, arrived_at
        self._delay_ms = self._smoothed_ms = 0.0
        self._times_ms: deque[float] = deque(maxlen=TRENDLINE_WINDOW_ARRIVALS)
        self._delays_ms: deque[float] = deque(maxlen=TRENDLINE_WINDOW_ARRIVALS)
        self._deltas = 0
        self._threshold_ms = DEL_VAR_TH_MS
        self._adapted_at = 0.0
        self._above_threshold = False
        self._slope = 0.0
        self._began_at = 0.0
        self.is_normal = True  # neither overuse nor underuse

    def on_arrival(self, sent_at: float, arrived_at: float) -> bool:
        """Take a packet; return whether the link is overused."""
        previous = self._previous
        if (
            previous is None
            or abs(arrived_at - previous[1]) > CLOCK_JUMP_S
            or sent_at < previous[0] - CLOCK_JUMP_S
        ):
            self._reset(sent_at, arrived_at)
            return False
        if sent_at - previous[0] <= BURST_TIME_S:
            return False
        self._previous = sent_at, arrived_at
        return self._on_delta(sent_at - previous[0], arrived_at - previous[1], arrived_at)

    def _reset(self, sent_at: float, arrived_at: float) -> None:
        self._previous = sent_at, arrived_at
        self._times_ms.clear()
        self._delays_ms.clear()
        self._delay_ms = self._smoothed_ms = self._slope = 0.0
        self._deltas, self._began_at, self._adapted_at = 0, arrived_at, arrived_at
        self._above_threshold, self.is_normal = False, True

    def _on_delta(self, sent_s: float, arrived_s: float, arrived_at: float) -> bool:
        self._deltas += 1
        self._delay_ms += (arrived_s - sent_s) * 1e3
        self._smoothed_ms += (1 - TRENDLINE_SMOOTHING) * (self._delay_ms - self._smoothed_ms)
        self._times_ms.append((arrived_at - self._began_at) * 1e3)
        self._delays_ms.append(self._smoothed_ms)
        previous_slope, self._slope = self._slope, self._fit()
        trend_ms = min(self._deltas, DELTAS_MAX) * self._slope * TRENDLINE_GAIN
        self.is_normal = abs(trend_ms) <= self._threshold_ms
        was_above, self._above_threshold = self._above_threshold, trend_ms > self._threshold_ms
        self._adapt(abs(trend_ms), arrived_at)
        # Overuse is two in a row, and not while the delay variation already falls.
        return self._above_threshold and was_above and self._slope >= previous_slope

    def _fit(self) -> float:
        delays_ms = self._delays_ms
        if len(delays_ms) < TRENDLINE_WINDOW_ARRIVALS:
            return 0.0
        if max(delays_ms) - min(delays_ms) < TRENDLINE_SPREAD_MS_MIN:
            return 0.0
        return _slope(self._times_ms, delays_ms)

    def _adapt(self, trend_ms: float, arrived_at: float) -> None:
        """Let the threshold follow what is usual, but no sudden step."""
        elapsed_ms = min(ADAPTATION_INTERVAL_MS_MAX, max(0.0, arrived_at - self._adapted_at) * 1e3)
        self._adapted_at = arrived_at
        off_ms = trend_ms - self._threshold_ms
        if off_ms > DEL_VAR_OUTLIER_MS:
            return
        self._threshold_ms += (K_UP if off_ms > 0 else K_DOWN) * off_ms * elapsed_ms
        self._threshold_ms = max(DEL_VAR_TH_MS_MIN, min(DEL_VAR_TH_MS_MAX, self._threshold_ms))


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the slope of the least-squares line through all points."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = variance = 0.0
    for x, y in zip(xs, ys, strict=True):
        off = x - mean_x
        covariance += off * (y - mean_y)
        variance += off * off
    return covariance / variance if variance else 0.0
