"""What a viewer's line carries, and which layer of the picture goes through it.

Four things tell that a line is full. Reports, five a second (RFC 3550) or more (of arrivals), name
the highest number that came: what was sent after it grows old while a queue fills. They tell of
losses where that queue is short, and of longer round trips where it is long. Of a queue shorter
than a frame, requests for what is missing tell. And the estimate falls, of the viewer's browser
(REMB, draft-alvestrand-rmcat-remb) or of ours (media/congestion/estimator.py); its level says
little, since it begins low and never grows far beyond what is sent. That a line carries more is
tried with repeats of what was sent before anything depends on it. Pure: `now` is monotonic seconds,
rates are bit/s.
"""

from collections.abc import Sequence
from typing import NamedTuple

FALL = 0.97
# An estimate is 85 % of what came through; a single fall of a line that is fit is no reason to go.
TOO_MUCH = 0.8
FITS = 0.95
LOSS_MAX = 0.1
# Browsers report each loss at once: a single report says little, and so do few packets.
LOSS_WINDOW_S = 0.4
LOSS_WINDOW_PACKETS = 20
LOSS_WINDOW_S_MAX = 2.0
# Of few packets that many are lost now and then on any line: it must happen twice, or be this much.
LOSS_MAX_ONCE = 0.25
# Losses that have only just begun will be so many times as heavy.
ONSET = 2.5
STEADY_LOSS_MAX = 0.02
# So much missed in so short a time is no accident, and the picture stands still already.
MISSED_WINDOW_S = 0.3
MISSED_MAX = 0.3
MISSED_PACKETS_MIN = 8
# A queue shorter than a frame drops the end of it, and what comes next is late already.
MISSED_AT_ONCE_MIN = 5
LATE_OFF = 2.0
# What is under way waits by so much more than usual, and waits longer by such a part of the time
# that passes: the queue grows, and what comes out of it is all that the line carries.
WAITS_S_MAX = 0.05
WAITS_OFF = 5.0  # times what is usual on this line
WAITS_OFF_S = 0.03  # until that is known
WAITS_GROWTH = 0.4
COMPARED_S_MIN = 0.09
COMPARED_PACKETS_MIN = 3  # one that is lost, and one that is late, tell nothing
ARRIVES_SHARE = 0.5  # what is surely carried of that, since some of it came before the queue grew
QUEUE_S_MAX = 0.25  # of a round trip above the shortest
QUEUED_REPORTS = 2
FORGOTTEN_S = 3.0
SETTLES_S = 1.0  # after a change, what is heard is about what went before
RISE_AFTER_S = 1.5
RISE_AGAIN_S = 3.0
RISE_AGAIN_S_MAX = 4.0
RISE_GROWTH = 1.5
PROBE_S = 1.2
VERDICT_S = 0.8  # after a trial, until its reports have come
PROBE_SHARE = 1.1
STEADY_S = 30.0
# A queue this long, or so heavy losses twice, under the smallest layer: the viewer skips to the
# next key frame, while the queue drains.
BEHIND_S_MAX = 0.8
LOST_MAX = 0.3
SKIP_S_MIN = 0.5
SKIP_S_MAX = 3.0
# Longer while reports show that what was sent before is still to come, which may as well be lost.
STILL_BEHIND_S = 0.3
STILL_SKIPS_S_MAX = 6.0
OUTDATED_S = 1.0


class LayerOption(NamedTuple):
    """A layer that a viewer may get, of a ladder from small to large."""

    rid: str
    bits_per_s: float
    height: int


class Link:
    """One viewer's line. Tell it what is heard, then ask `choose` and `skips`."""

    def __init__(self, *, now: float) -> None:
        self.estimate = 0.0
        self.loss = 0.0  # part of the packets, of the newest window
        self.chosen: str | None = None  # the viewer's own choice, by rid
        self.height_max: int | None = None  # what it shows
        self.probe_bits_per_s = 0.0
        # What it carries, as estimates and as reports show; None: as far as we know, everything.
        self._by_estimate: float | None = None
        self._by_reports: float | None = None
        # Of the stream and of its repeats: when, highest number, lost.
        self._windows: dict[bool, tuple[float, int, int]] = {}
        self._missed = (now, 0)  # since when, how many
        self._waiting: tuple[float, int, float] | None = None  # when, highest number, waits
        self._waits_s: float | None = None  # mean
        self._waits_off_s = WAITS_OFF_S  # mean distance from it
        self._arrives: float | None = None  # what comes out of a queue that grows
        self._under_way = (now, 0)  # when, how many packets
        self._drains = False  # the queue on the way does
        self._rtt_s_min = float("inf")
        self._queued = 0
        self._fresh = 1.0  # part that came through, by what was heard since the last choice
        self._full_at = now
        self._wished = False
        self._rise_at = now + RISE_AFTER_S
        self._rise_wait_s = RISE_AGAIN_S
        self._changed_at = self._settled_at = now
        self._probe_until: float | None = None
        self._queue_s = 0.0  # of the newest two round trips, what was more than the shortest
        self._heavy_losses = 0
        self._skips_until, self._skips_since = now, float("-inf")
        self._behind: tuple[float, float] = (now, 0.0)  # by the newest report: when, how long

    @property
    def capacity(self) -> float | None:
        """What the line carries, if it was full of late."""
        found = [one for one in (self._by_estimate, self._by_reports) if one is not None]
        return min(found) if found else None

    @property
    def is_uncongested(self) -> bool:
        """Whether nothing was heard that speaks against what is sent."""
        heard = self._queued or self._heavy_losses or self._fresh < 1 or self._arrives
        return not heard and not self.capacity and self._behind[1] < STILL_BEHIND_S

    def set_preference(self, chosen: str | None, height_max: int | None) -> None:
        """The viewer says what it wants, and how many lines it shows; None: whatever is best."""
        self._wished = chosen is not None and chosen != self.chosen
        self.chosen, self.height_max = chosen, height_max

    # What is heard

    def on_estimate(self, bits_per_s: float, *, now: float) -> None:
        """The browser's estimate of what the line carries."""
        if bits_per_s < self.estimate * FALL:
            self._by_estimate = bits_per_s
            self._failed(now)
        elif self._by_estimate is not None:
            self._by_estimate = max(self._by_estimate, bits_per_s)
        self.estimate = bits_per_s

    def on_report(
        self, highest: int, lost: int, *, in_flight: int = 0, retransmits: bool, now: float
    ) -> None:
        """A report's highest number and count of lost packets since the beginning.

        Of the stream, or of its `retransmits`, which matter as long as they try out the line. After
        the highest number `under_way` more were sent.
        """
        window = self._windows.get(retransmits)
        if retransmits and self._probe_until is None:
            # What the last trial lost at its end speaks not against the next one.
            self._windows[retransmits] = now, highest + in_flight, lost + in_flight
            return
        if retransmits and window is not None and highest <= window[1]:
            return  # nothing of this trial came so far
        if window is None or highest < window[1] or now < self._settled_at:
            self._windows[retransmits] = now, highest, lost
            return
        began, highest_then, lost_then = window
        many = highest - highest_then >= LOSS_WINDOW_PACKETS or now - began > LOSS_WINDOW_S_MAX
        if now - began < LOSS_WINDOW_S or highest == highest_then or not many:
            return
        self._windows[retransmits] = now, highest, lost
        before = self.loss
        self.loss = max(0.0, min(1.0, (lost - lost_then) / (highest - highest_then)))
        if not retransmits:
            self._heavy_losses = self._heavy_losses + 1 if self.loss > LOST_MAX else 0
        if self._probe_until is not None and self.loss > LOSS_MAX / 2:
            self._failed(now)
        elif self.loss > LOSS_MAX_ONCE or min(self.loss, before) > LOSS_MAX:
            self._is_full(1 - self.loss * (ONSET if before < STEADY_LOSS_MAX else 1), now)
        elif now - self._full_at > FORGOTTEN_S:
            self._by_reports = None

    def on_nack(
        self, packets: int, sent_per_s: float, queuing_delay_s: float | None, *, now: float
    ) -> None:
        """The viewer asks for `packets` for the first time; `sent_per_s` is how many it gets.

        What came after them and told of it was sent `waits_s` ago, if that is known.
        """
        since, missed = self._missed
        if now - since > MISSED_WINDOW_S:
            since, missed = now, 0
        missed += packets
        self._missed = since, missed
        part = missed / max(1.0, sent_per_s * MISSED_WINDOW_S)
        if now < self._settled_at:
            return
        if part > MISSED_MAX and missed >= MISSED_PACKETS_MIN:
            self._missed = now, 0
            self._is_full(1 - part * ONSET, now)
        elif packets >= MISSED_AT_ONCE_MIN and self._is_late(queuing_delay_s):
            self._missed = now, 0
            self._is_full(0.0, now)

    def _is_late(self, queuing_delay_s: float | None) -> bool:
        if queuing_delay_s is None or self._waits_s is None:
            return False
        return queuing_delay_s > self._waits_s + WAITS_S_MAX / 2 + LATE_OFF * self._waits_off_s

    def on_in_flight(self, packets: int, *, now: float) -> None:
        """By a report, so many packets did not come yet; fewer than before: a queue drains."""
        since, before = self._under_way
        if now - since >= COMPARED_S_MIN:
            self._under_way, self._drains = (now, packets), packets < before

    def on_queuing_delay(
        self, highest: int, queuing_delay_s: float, packet_bits: float, *, now: float
    ) -> None:
        """By a report, what was sent after number `highest` is under way for `waits_s`.

        That tells of a queue while it fills, before anything is lost. A packet has `packet_bits`.
        """
        before = self._waiting
        if before is not None and now - before[0] < COMPARED_S_MIN:
            return
        self._waiting = now, highest, queuing_delay_s
        if self._waits_s is None:
            self._waits_s = min(queuing_delay_s, WAITS_S_MAX)  # the first may be what joining cost
        if before is None or now < self._settled_at:
            return
        elapsed, came = now - before[0], highest - before[1]
        if came <= 0:
            return  # everything stands still, which may as well be an outage
        off_s_max = WAITS_S_MAX + WAITS_OFF * self._waits_off_s
        off_s = min(off_s_max, queuing_delay_s - self._waits_s)  # once is not usual yet
        grows = off_s == off_s_max and queuing_delay_s - before[2] > elapsed * WAITS_GROWTH
        if grows and came < COMPARED_PACKETS_MIN:
            self._waiting = before  # the next report tells more
        elif grows and self._probe_until is not None:
            self._failed(now)  # what comes is but part of what was sent
        elif grows:
            self._arrives = came * packet_bits / elapsed * ARRIVES_SHARE
            self._is_full(1.0, now)
        else:
            self._waits_s += off_s / 8
            self._waits_off_s += (abs(off_s) - self._waits_off_s) / 8

    def on_oldest_in_flight(self, oldest_in_flight_s: float, *, now: float) -> None:
        """By a report, something that was sent `behind_s` ago did not come yet."""
        self._behind = now, oldest_in_flight_s

    def on_rtt(self, rtt_s: float, *, now: float) -> None:
        """A round trip was measured, once for each of our reports."""
        self._rtt_s_min = min(self._rtt_s_min, rtt_s)
        if rtt_s < self._rtt_s_min + QUEUE_S_MAX or now < self._settled_at:
            self._queued, self._queue_s = 0, 0.0
            return
        queue_s = rtt_s - self._rtt_s_min
        self._queue_s = min(queue_s, self._queue_s) if self._queue_s else queue_s
        self._queued += 1
        if self._probe_until is not None:
            self._failed(now)
        elif self._queued >= QUEUED_REPORTS:
            self._full_at = now
            self._fresh = min(self._fresh, TOO_MUCH - 0.1)
            self._failed(now)

    def _is_full(self, came_through: float, now: float) -> None:
        self._full_at = now
        self._fresh = min(self._fresh, max(0.1, came_through))
        self._failed(now)

    def _failed(self, now: float) -> None:
        if self._probe_until is not None or now - self._changed_at < RISE_AGAIN_S:
            self._rise_wait_s = min(RISE_AGAIN_S_MAX, self._rise_wait_s * RISE_GROWTH)
        if self._probe_until is not None:
            self._settled_at, self._queued = now + SETTLES_S, 0
        self._stop_probe()
        self._rise_at = now + self._rise_wait_s

    # What follows from it

    def choose(self, rungs: Sequence[LayerOption], at: int, *, now: float) -> int:
        """Return which of `rungs` to send, when `at` is being sent.

        While `probe_bits_per_s` is not 0, send that much on top, of what need not arrive.
        """
        self._judge(rungs[at].bits_per_s)
        top = self._top(rungs)
        if at > top or self._wished:
            self._wished = False
            return self._changed(top, now)
        capacity = self.capacity
        if at > 0 and capacity is not None and capacity < rungs[at].bits_per_s * TOO_MUCH:
            fitting = [n for n in range(at) if rungs[n].bits_per_s <= capacity * FITS]
            self._rise_at = max(self._rise_at, now + self._rise_wait_s)
            return self._changed(fitting[-1] if fitting else 0, now)
        if at >= top:
            self._stop_probe()
            if now - self._changed_at > STEADY_S:
                self._rise_wait_s = RISE_AGAIN_S
            return at
        if now < self._skips_until or self._behind_s(now) > STILL_BEHIND_S:
            if self._probe_until is not None:
                self._failed(now)
            self._rise_at = max(self._rise_at, now + self._rise_wait_s)
        if now < self._rise_at:
            return at
        return self._try(rungs, at, now)

    def _try(self, rungs: Sequence[LayerOption], at: int, now: float) -> int:
        """Try whether the next rung fits, and return it once it is known to."""
        if self._probe_until is None:
            self._probe_until = now + PROBE_S
        if now < self._probe_until:
            self.probe_bits_per_s = rungs[at + 1].bits_per_s * PROBE_SHARE - rungs[at].bits_per_s
            return at
        self.probe_bits_per_s = 0.0
        if now < self._probe_until + VERDICT_S:
            return at
        self._rise_at = now + RISE_AFTER_S
        self._by_estimate = self._by_reports = None
        return self._changed(at + 1, now)

    def _judge(self, sent_per_s: float) -> None:
        """Reckon what was heard with what is sent."""
        if self._fresh < 1:
            self._by_reports = sent_per_s * self._fresh
        if self._arrives is not None:
            self._by_reports = min(self._arrives, self._by_reports or sent_per_s)
        self._fresh, self._arrives = 1.0, None

    def _changed(self, to: int, now: float) -> int:
        self._stop_probe()
        self._changed_at, self._settled_at, self._queued = now, now + SETTLES_S, 0
        return to

    def _stop_probe(self) -> None:
        self._probe_until, self.probe_bits_per_s = None, 0.0

    def _top(self, rungs: Sequence[LayerOption]) -> int:
        for at, rung in enumerate(rungs):
            if self.chosen is not None:
                if rung.rid == self.chosen:
                    return at
            elif self.height_max is not None and rung.height >= self.height_max:
                return at
        return len(rungs) - 1

    def should_pause(self, *, now: float) -> bool:
        """Whether even the smallest layer is too much, so that the viewer should be sent nothing.

        Once it is over the viewer goes on with a key frame.
        """
        if now < self._skips_until:
            return True
        oldest_in_flight_s = self._behind_s(now)
        if oldest_in_flight_s > STILL_BEHIND_S and now - self._skips_since < STILL_SKIPS_S_MAX:
            return True
        self._skips_since = float("-inf")
        queue_s = self._queue_s if self._queued >= QUEUED_REPORTS else 0.0
        queue_s = max(queue_s, oldest_in_flight_s)
        behind = queue_s > BEHIND_S_MAX and not self._drains
        if behind or self._heavy_losses >= QUEUED_REPORTS:
            # What has piled up is through after as long as it waits.
            self._skips_since = now
            self._skips_until = now + min(SKIP_S_MAX, max(SKIP_S_MIN, queue_s))
            self._settled_at = self._skips_until + SETTLES_S
            self._heavy_losses = self._queued = 0
            self._queue_s = 0.0
            return True
        return False

    def _behind_s(self, now: float) -> float:
        received_at, oldest_in_flight_s = self._behind
        return oldest_in_flight_s if now - received_at < OUTDATED_S else 0.0
