"""How much a viewer's link carries, and which simulcast layer fits.

Overuse is inferred from five signals:

- transport-wide feedback and receiver reports show the queuing delay growing;
- receiver reports (RFC 3550 section 6.4) count losses where the queue is short;
- the RTT grows where the queue is long;
- NACKs (RFC 4585 section 6.2.1) come in bursts where the queue is shorter than a frame;
- an estimate falls: the browser's (REMB, draft-alvestrand-rmcat-remb) or ours (estimator.py); its
  level says little, since it starts low and stays near what is sent.

Bandwidth for a larger layer is probed with retransmits of old packets before media depends on it.
Pure: `now` is monotonic seconds, rates are bit/s.
"""

from collections.abc import Sequence
from typing import NamedTuple

# The estimate. A decrease leaves 85 % of what was received (BETA), so a single one keeps the layer.
ESTIMATE_DECREASE_RATIO = 0.97
OVERUSE_RATIO = 0.8  # of capacity to a layer's bitrate; below it the layer is too large
FIT_RATIO = 0.95  # of a layer's bitrate to capacity; up to it a layer fits
# Losses by receiver reports. Browsers report each loss at once: one report is no sample.
LOSS_WINDOW_S = 0.4
LOSS_WINDOW_S_MAX = 2.0
LOSS_WINDOW_PACKETS_MIN = 20
LOSS_RATIO_MAX = 0.1  # in two windows in a row
LOSS_RATIO_ONCE_MAX = 0.25  # in one
LOSS_RATIO_STEADY_MAX = 0.02
LOSS_ONSET_FACTOR = 2.5  # losses after a loss-free window will be so many times as heavy
# Losses by NACKs, when they are too many to wait for a report.
NACK_WINDOW_S = 0.3
NACK_RATIO_MAX = 0.3
NACK_WINDOW_PACKETS_MIN = 8
# A queue shorter than a frame drops the frame's end, and what follows is already late.
NACK_BURST_PACKETS_MIN = 5
NACK_BURST_DELAY_DEVIATIONS = 2.0
# The queuing delay, compared with its mean and mean deviation on this link (as RFC 6298 does).
QUEUING_DELAY_S_MAX = 0.05  # above the mean, with this many deviations on top:
QUEUING_DELAY_DEVIATIONS = 5.0
QUEUING_DELAY_DEVIATION_S = 0.03  # until it is known
QUEUING_DELAY_GAIN = 1 / 8  # weight of the newest sample
QUEUING_DELAY_GROWTH_RATIO = 0.4  # of growth to elapsed time; above it a queue builds up
QUEUING_DELAY_INTERVAL_S_MIN = 0.09  # between two samples
QUEUING_DELAY_PACKETS_MIN = 3  # received between two; one that is lost or late is no sample
DRAIN_RATE_RATIO = 0.5  # surely carried, since some packets arrived before the queue grew
# The RTT.
RTT_QUEUE_S_MAX = 0.25  # above the smallest RTT
CONGESTED_REPORTS_MIN = 2  # in a row
CAPACITY_MEMORY_S = 3.0  # without further overuse
SETTLE_S = 1.0  # after a change; feedback is still about what was sent before it
# Probes for the next layer.
PROBE_AFTER_S = 1.5
PROBE_RETRY_S = 3.0
PROBE_RETRY_S_MAX = 4.0
PROBE_RETRY_GROWTH = 1.5
PROBE_DURATION_S = 1.2
PROBE_VERDICT_S = 0.8  # after a probe, until its feedback has arrived
PROBE_BITRATE_RATIO = 1.1  # of the probed layer's
STEADY_S = 30.0  # without a change, after which probes are retried soon again
# A pause: under the smallest layer with such a queue, or such losses twice, the viewer is sent
# nothing while the queue drains, and goes on with the next key frame.
PAUSE_QUEUE_S = 0.8
PAUSE_LOSS_RATIO = 0.3
PAUSE_S_MIN = 0.5
PAUSE_S_MAX = 3.0
# It lasts while packets older than this are in flight; those may as well be lost.
PAUSE_IN_FLIGHT_S_MAX = 0.3
PAUSE_IN_FLIGHT_LASTS_S_MAX = 6.0
IN_FLIGHT_MEMORY_S = 1.0


class LayerOption(NamedTuple):
    """A layer that a viewer may get, of a ladder from small to large."""

    rid: str
    bits_per_s: float
    height: int


class _LossWindow(NamedTuple):
    began_at: float
    highest: int
    lost: int


class _DelaySample(NamedTuple):
    at: float
    highest: int
    queuing_delay_s: float


class Link:
    """One viewer's link. Hand in feedback, then ask `choose` and `should_pause`."""

    def __init__(self, *, now: float) -> None:
        self.estimate = 0.0
        self.loss = 0.0  # ratio of packets, of the newest window
        self.chosen: str | None = None  # the viewer's own choice, by rid
        self.height_max: int | None = None  # what the viewer's page shows
        self.probe_bits_per_s = 0.0
        # Capacity by estimates and by feedback; None: no limit is known.
        self._capacity_by_estimate: float | None = None
        self._capacity_by_feedback: float | None = None
        self._loss_windows: dict[bool, _LossWindow] = {}  # by whether of retransmits
        self._nacked = (now, 0)  # since when, how many packets
        self._delay_sample: _DelaySample | None = None
        self._delay_mean_s: float | None = None
        self._delay_deviation_s = QUEUING_DELAY_DEVIATION_S
        self._drain_bits_per_s: float | None = None  # received while a queue builds up
        self._in_flight = (now, 0)  # when, how many packets
        self._drains = False
        self._rtt_s_min = float("inf")
        self._rtt_congested_reports = 0
        self._rtt_queue_s = 0.0  # of the newest two RTTs, the smaller excess over the smallest
        self._received_ratio = 1.0  # of what was sent, by feedback since the last choice
        self._overused_at = now
        self._preference_changed = False
        self._probe_at = now + PROBE_AFTER_S
        self._probe_retry_s = PROBE_RETRY_S
        self._probe_until: float | None = None
        self._changed_at = self._settled_at = now
        self._heavy_loss_windows = 0
        self._paused_until, self._paused_since = now, float("-inf")
        self._oldest_in_flight = (now, 0.0)  # by the newest feedback: when, its age in seconds

    @property
    def capacity(self) -> float | None:
        """The link's bandwidth, if it was overused of late."""
        limits = self._capacity_by_estimate, self._capacity_by_feedback
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def is_uncongested(self) -> bool:
        """Whether no feedback shows congestion at the current bitrate."""
        congested = (
            self._rtt_congested_reports
            or self._heavy_loss_windows
            or self._received_ratio < 1
            or self._drain_bits_per_s
        )
        in_flight_s = self._oldest_in_flight[1]
        return not congested and not self.capacity and in_flight_s < PAUSE_IN_FLIGHT_S_MAX

    def set_preference(self, chosen: str | None, height_max: int | None) -> None:
        """Set the viewer's layer and the height that it shows; None: the best that fits."""
        self._preference_changed = chosen is not None and chosen != self.chosen
        self.chosen, self.height_max = chosen, height_max

    # Feedback

    def on_estimate(self, bits_per_s: float, *, now: float) -> None:
        """A new bandwidth estimate, the browser's or ours."""
        if bits_per_s < self.estimate * ESTIMATE_DECREASE_RATIO:
            self._capacity_by_estimate = bits_per_s
            self._postpone_probe(now)
        elif self._capacity_by_estimate is not None:
            self._capacity_by_estimate = max(self._capacity_by_estimate, bits_per_s)
        self.estimate = bits_per_s

    def on_report(
        self, highest: int, lost: int, *, in_flight: int = 0, retransmits: bool, now: float
    ) -> None:
        """A report block's extended highest sequence number and cumulative number of packets lost.

        Of the media stream, or of its `retransmits`, which count during a probe only. `in_flight`
        packets were sent after the highest number.
        """
        window = self._loss_windows.get(retransmits)
        if retransmits and self._probe_until is None:
            # Losses at the end of a probe do not count against the next one.
            self._loss_windows[True] = _LossWindow(now, highest + in_flight, lost + in_flight)
            return
        if retransmits and window is not None and highest <= window.highest:
            return  # no packet of this probe has arrived
        if window is None or highest < window.highest or now < self._settled_at:
            self._loss_windows[retransmits] = _LossWindow(now, highest, lost)
            return
        packets, elapsed = highest - window.highest, now - window.began_at
        enough = packets >= LOSS_WINDOW_PACKETS_MIN or elapsed > LOSS_WINDOW_S_MAX
        if elapsed < LOSS_WINDOW_S or not packets or not enough:
            return
        self._loss_windows[retransmits] = _LossWindow(now, highest, lost)
        self._on_loss((lost - window.lost) / packets, retransmits=retransmits, now=now)

    def _on_loss(self, ratio: float, *, retransmits: bool, now: float) -> None:
        before = self.loss
        self.loss = max(0.0, min(1.0, ratio))
        if not retransmits:
            heavy = self.loss > PAUSE_LOSS_RATIO
            self._heavy_loss_windows = self._heavy_loss_windows + 1 if heavy else 0
        if self._probe_until is not None and self.loss > LOSS_RATIO_MAX / 2:
            self._postpone_probe(now)
        elif self.loss > LOSS_RATIO_ONCE_MAX or min(self.loss, before) > LOSS_RATIO_MAX:
            onset = LOSS_ONSET_FACTOR if before < LOSS_RATIO_STEADY_MAX else 1
            self._on_overuse(1 - self.loss * onset, now)
        elif now - self._overused_at > CAPACITY_MEMORY_S:
            self._capacity_by_feedback = None

    def on_nack(
        self, packets: int, sent_per_s: float, queuing_delay_s: float | None, *, now: float
    ) -> None:
        """The viewer requests `packets` for the first time, of `sent_per_s` packets a second.

        `queuing_delay_s`, if known, is of the packet that made the viewer notice the gap.
        """
        since, nacked = self._nacked
        if now - since > NACK_WINDOW_S:
            since, nacked = now, 0
        nacked += packets
        self._nacked = since, nacked
        ratio = nacked / max(1.0, sent_per_s * NACK_WINDOW_S)
        if now < self._settled_at:
            return
        if ratio > NACK_RATIO_MAX and nacked >= NACK_WINDOW_PACKETS_MIN:
            self._nacked = now, 0
            self._on_overuse(1 - ratio * LOSS_ONSET_FACTOR, now)
        elif packets >= NACK_BURST_PACKETS_MIN and self._is_late(queuing_delay_s):
            self._nacked = now, 0
            self._on_overuse(0.0, now)

    def _is_late(self, queuing_delay_s: float | None) -> bool:
        if queuing_delay_s is None or self._delay_mean_s is None:
            return False
        deviations_s = NACK_BURST_DELAY_DEVIATIONS * self._delay_deviation_s
        return queuing_delay_s > self._delay_mean_s + QUEUING_DELAY_S_MAX / 2 + deviations_s

    def on_in_flight(self, packets: int, *, now: float) -> None:
        """By feedback, so many packets are in flight; fewer than before: a queue drains."""
        since, before = self._in_flight
        if now - since >= QUEUING_DELAY_INTERVAL_S_MIN:
            self._in_flight, self._drains = (now, packets), packets < before

    def on_queuing_delay(
        self, highest: int, queuing_delay_s: float, packet_bits: float, *, now: float
    ) -> None:
        """By feedback, the packet after number `highest` is in flight for `queuing_delay_s`.

        It grows while a queue builds up, before anything is lost. A packet has `packet_bits`.
        """
        before, sample = self._delay_sample, _DelaySample(now, highest, queuing_delay_s)
        if before is not None and now - before.at < QUEUING_DELAY_INTERVAL_S_MIN:
            return
        self._delay_sample = sample
        if self._delay_mean_s is None:
            # The first one may include the cost of joining.
            self._delay_mean_s = min(queuing_delay_s, QUEUING_DELAY_S_MAX)
        if before is None or now < self._settled_at:
            return
        elapsed, received = now - before.at, highest - before.highest
        if received <= 0:
            return  # nothing arrives, which may as well be an outage
        off_s_max = QUEUING_DELAY_S_MAX + QUEUING_DELAY_DEVIATIONS * self._delay_deviation_s
        off_s = min(off_s_max, queuing_delay_s - self._delay_mean_s)  # one outlier is not the mean
        growth_s = queuing_delay_s - before.queuing_delay_s
        grows = off_s == off_s_max and growth_s > elapsed * QUEUING_DELAY_GROWTH_RATIO
        if grows and received < QUEUING_DELAY_PACKETS_MIN:
            self._delay_sample = before  # wait for a longer interval
        elif grows and self._probe_until is not None:
            self._postpone_probe(now)  # part of the received packets are the probe's
        elif grows:
            self._drain_bits_per_s = received * packet_bits / elapsed * DRAIN_RATE_RATIO
            self._on_overuse(1.0, now)
        else:
            self._delay_mean_s += off_s * QUEUING_DELAY_GAIN
            deviation_s = abs(off_s) - self._delay_deviation_s
            self._delay_deviation_s += deviation_s * QUEUING_DELAY_GAIN

    def on_oldest_in_flight(self, oldest_in_flight_s: float, *, now: float) -> None:
        """By feedback, a packet that was sent `oldest_in_flight_s` ago has not arrived."""
        self._oldest_in_flight = now, oldest_in_flight_s

    def on_rtt(self, rtt_s: float, *, now: float) -> None:
        """An RTT was measured, once for each of our sender reports."""
        self._rtt_s_min = min(self._rtt_s_min, rtt_s)
        if rtt_s < self._rtt_s_min + RTT_QUEUE_S_MAX or now < self._settled_at:
            self._rtt_congested_reports, self._rtt_queue_s = 0, 0.0
            return
        queue_s = rtt_s - self._rtt_s_min
        self._rtt_queue_s = min(queue_s, self._rtt_queue_s) if self._rtt_queue_s else queue_s
        self._rtt_congested_reports += 1
        if self._probe_until is not None:
            self._postpone_probe(now)
        elif self._rtt_congested_reports >= CONGESTED_REPORTS_MIN:
            self._on_overuse(OVERUSE_RATIO - 0.1, now)

    def _on_overuse(self, received_ratio: float, now: float) -> None:
        self._overused_at = now
        self._received_ratio = min(self._received_ratio, max(0.1, received_ratio))
        self._postpone_probe(now)

    def _postpone_probe(self, now: float) -> None:
        """End a probe, if there is one, and wait before the next."""
        if self._probe_until is not None or now - self._changed_at < PROBE_RETRY_S:
            self._probe_retry_s = min(PROBE_RETRY_S_MAX, self._probe_retry_s * PROBE_RETRY_GROWTH)
        if self._probe_until is not None:
            self._settled_at, self._rtt_congested_reports = now + SETTLE_S, 0
        self._stop_probe()
        self._probe_at = now + self._probe_retry_s

    # Decisions

    def choose(self, rungs: Sequence[LayerOption], at: int, *, now: float) -> int:
        """Return which of `rungs` to send, when `at` is being sent.

        While `probe_bits_per_s` is not 0, send that much on top, of packets that need not arrive.
        """
        self._update_capacity(rungs[at].bits_per_s)
        top = self._top(rungs)
        if at > top or self._preference_changed:
            self._preference_changed = False
            return self._change(top, now)
        capacity = self.capacity
        if at > 0 and capacity is not None and capacity < rungs[at].bits_per_s * OVERUSE_RATIO:
            fitting = [n for n in range(at) if rungs[n].bits_per_s <= capacity * FIT_RATIO]
            self._probe_at = max(self._probe_at, now + self._probe_retry_s)
            return self._change(fitting[-1] if fitting else 0, now)
        if at >= top:
            self._stop_probe()
            if now - self._changed_at > STEADY_S:
                self._probe_retry_s = PROBE_RETRY_S
            return at
        if now < self._paused_until or self._oldest_in_flight_s(now) > PAUSE_IN_FLIGHT_S_MAX:
            if self._probe_until is not None:
                self._postpone_probe(now)
            self._probe_at = max(self._probe_at, now + self._probe_retry_s)
        if now < self._probe_at:
            return at
        return self._probe(rungs, at, now)

    def _probe(self, rungs: Sequence[LayerOption], at: int, now: float) -> int:
        """Probe for the next rung, and return it once the probe has passed."""
        if self._probe_until is None:
            self._probe_until = now + PROBE_DURATION_S
        if now < self._probe_until:
            probed_bits_per_s = rungs[at + 1].bits_per_s * PROBE_BITRATE_RATIO
            self.probe_bits_per_s = probed_bits_per_s - rungs[at].bits_per_s
            return at
        self.probe_bits_per_s = 0.0
        if now < self._probe_until + PROBE_VERDICT_S:
            return at
        self._probe_at = now + PROBE_AFTER_S
        self._capacity_by_estimate = self._capacity_by_feedback = None
        return self._change(at + 1, now)

    def _update_capacity(self, sent_bits_per_s: float) -> None:
        """Turn the feedback since the last choice into a capacity."""
        if self._received_ratio < 1:
            self._capacity_by_feedback = sent_bits_per_s * self._received_ratio
        if self._drain_bits_per_s is not None:
            limit = self._capacity_by_feedback or sent_bits_per_s
            self._capacity_by_feedback = min(self._drain_bits_per_s, limit)
        self._received_ratio, self._drain_bits_per_s = 1.0, None

    def _change(self, to: int, now: float) -> int:
        self._stop_probe()
        self._changed_at, self._settled_at, self._rtt_congested_reports = now, now + SETTLE_S, 0
        return to

    def _stop_probe(self) -> None:
        self._probe_until, self.probe_bits_per_s = None, 0.0

    def _top(self, rungs: Sequence[LayerOption]) -> int:
        """Return the largest rung that the viewer's preference allows."""
        for at, rung in enumerate(rungs):
            if self.chosen is not None:
                if rung.rid == self.chosen:
                    return at
            elif self.height_max is not None and rung.height >= self.height_max:
                return at
        return len(rungs) - 1

    def should_pause(self, *, now: float) -> bool:
        """Whether even the smallest layer overuses the link, so that nothing should be sent.

        After a pause the viewer goes on with a key frame.
        """
        if now < self._paused_until:
            return True
        in_flight_s = self._oldest_in_flight_s(now)
        paused_s = now - self._paused_since
        if in_flight_s > PAUSE_IN_FLIGHT_S_MAX and paused_s < PAUSE_IN_FLIGHT_LASTS_S_MAX:
            return True
        self._paused_since = float("-inf")
        congested = self._rtt_congested_reports >= CONGESTED_REPORTS_MIN
        queue_s = max(self._rtt_queue_s if congested else 0.0, in_flight_s)
        builds_up = queue_s > PAUSE_QUEUE_S and not self._drains
        if not builds_up and self._heavy_loss_windows < CONGESTED_REPORTS_MIN:
            return False
        # A queue has drained after as long as its packets wait.
        self._paused_since = now
        self._paused_until = now + min(PAUSE_S_MAX, max(PAUSE_S_MIN, queue_s))
        self._settled_at = self._paused_until + SETTLE_S
        self._heavy_loss_windows = self._rtt_congested_reports = 0
        self._rtt_queue_s = 0.0
        return True

    def _oldest_in_flight_s(self, now: float) -> float:
        received_at, oldest_in_flight_s = self._oldest_in_flight
        return oldest_in_flight_s if now - received_at < IN_FLIGHT_MEMORY_S else 0.0
