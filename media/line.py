"""What a viewer's line carries, and which layer of the picture goes through it.

The viewer's browser estimates (REMB, draft-alvestrand-rmcat-remb) and tells losses (RFC 3550).
Its estimate begins low, grows by 8 % a second up to half more than what is sent, falls below what
comes through when the line is full, and stands still where it is lower than that already. So its
level says little, a fall or a standstill says that the line is full. Whether it carries more is
tried with repeats of what was sent before anything depends on it. Pure: `now` is monotonic
seconds, rates are bit/s.
"""

from collections.abc import Sequence
from typing import NamedTuple

FALL = 0.97
GROWTH = 1.003
STANDSTILL_S = 1.0
# Up to this times what is sent an estimate grows freely.
ROOM_TO_GROW = 1.3
# An estimate is 85 % of what came through; a single fall of a line that is fit is no reason to go.
TOO_MUCH = 0.8
FITS = 0.95
LOSS_MAX = 0.1
RISE_AFTER_S = 2.0
RISE_AGAIN_S = 3.0
RISE_AGAIN_S_MAX = 9.0
RISE_GROWTH = 1.5
PROBE_S = 2.0
PROBE_SHARE = 1.1
STEADY_S = 30.0
# How much of a stream may pile up on its way before the viewer skips to the next key frame.
BEHIND_S_MAX = 0.6


class Rung(NamedTuple):
    """A layer that a viewer may get, of a ladder from small to large."""

    rid: str
    bits_per_s: float
    lines: int


class Line:
    """One viewer's line. Tell it what is heard, then ask `choose` and `is_behind`."""

    def __init__(self, *, now: float) -> None:
        self.estimate = 0.0
        self.capacity: float | None = None  # None: as far as we know, it carries everything
        self.chosen: str | None = None  # the viewer's own choice, by rid
        self.lines_max: int | None = None  # what it shows
        self._wished = False
        self.probe_per_s = 0.0
        self._rise_at = now + RISE_AFTER_S
        self._rise_wait_s = RISE_AGAIN_S
        self._changed_at = now
        self._probe_until: float | None = None
        self._probe_from = 0.0  # the estimate when it began
        self._grown_to = 0.0
        self._grown_at = self._heard_at = now
        self._losses = 0
        self._behind_bits = 0.0
        self._spent_at = now

    def wish(self, chosen: str | None, lines_max: int | None) -> None:
        """The viewer says what it wants, and how many lines it shows; None: whatever is best."""
        self._wished = chosen is not None and chosen != self.chosen
        self.chosen, self.lines_max = chosen, lines_max

    def hear_estimate(self, bits_per_s: float, *, now: float) -> None:
        """The browser's estimate of what the line carries."""
        if bits_per_s < self.estimate * FALL:
            self.capacity = bits_per_s
            self._failed(now)
        elif self.capacity is not None:
            self.capacity = max(self.capacity, bits_per_s)
        if bits_per_s > self._grown_to * GROWTH or bits_per_s < self._grown_to:
            self._grown_to, self._grown_at = bits_per_s, now
        self.estimate, self._heard_at = bits_per_s, now

    def hear_loss(self, fraction: float, *, now: float) -> None:
        """A report's part of lost packets; two bad ones in a row count."""
        self._losses = self._losses + 1 if fraction > LOSS_MAX else 0
        if fraction > LOSS_MAX / 2 and self._probe_until is not None:
            self._failed(now)

    def _failed(self, now: float) -> None:
        if self._probe_until is not None or now - self._changed_at < RISE_AGAIN_S:
            self._rise_wait_s = min(RISE_AGAIN_S_MAX, self._rise_wait_s * RISE_GROWTH)
        self._stop_probe()
        self._rise_at = now + self._rise_wait_s

    def _stop_probe(self) -> None:
        self._probe_until, self.probe_per_s = None, 0.0

    def choose(self, rungs: Sequence[Rung], at: int, *, now: float) -> int:
        """Return which of `rungs` to send, when `at` is being sent.

        While `probe_per_s` is not 0, send that much on top, of what need not arrive.
        """
        if self._stands_still(rungs[at].bits_per_s):
            self.capacity = self.estimate
            self._failed(now)
        top = self._top(rungs)
        if at > top or self._wished:
            self._wished = False
            return self._changed(top, now)
        if at > 0 and self._too_much(rungs[at].bits_per_s):
            fitting = [
                rung for rung in range(at)
                if self.capacity is None or rungs[rung].bits_per_s <= self.capacity * FITS
            ]  # fmt: skip
            self._losses = 0
            self._rise_at = max(self._rise_at, now + self._rise_wait_s)
            return self._changed(fitting[-1] if fitting else 0, now)
        if at >= top:
            self._stop_probe()
            if now - self._changed_at > STEADY_S:
                self._rise_wait_s = RISE_AGAIN_S
            return at
        if now < self._rise_at:
            return at
        if self._probe_until is None:
            self._probe_until, self._probe_from = now + PROBE_S, self.estimate
        if now < self._probe_until:
            more = rungs[at + 1].bits_per_s * PROBE_SHARE - rungs[at].bits_per_s
            # Gently at first: on a full line the first steps show it already.
            part = 1 - (self._probe_until - now) / PROBE_S
            self.probe_per_s = max(0.0, more * min(1.0, 0.25 + 1.5 * part))
            return at
        if self.estimate and self.estimate < min(
            self._probe_from * GROWTH, rungs[at + 1].bits_per_s
        ):
            self._failed(now)
            return at
        self._rise_at = now + RISE_AFTER_S
        self.capacity = None
        self._grown_at = now
        return self._changed(at + 1, now)

    def _stands_still(self, sent_per_s: float) -> bool:
        return (
            self.capacity is None
            and 0 < self.estimate < sent_per_s * ROOM_TO_GROW
            and self._heard_at - self._grown_at > STANDSTILL_S
        )

    def _too_much(self, bits_per_s: float) -> bool:
        full = self.capacity is not None and self.capacity < bits_per_s * TOO_MUCH
        return full or self._losses >= 2

    def _changed(self, to: int, now: float) -> int:
        self._stop_probe()
        self._changed_at = now
        return to

    def _top(self, rungs: Sequence[Rung]) -> int:
        for at, rung in enumerate(rungs):
            if self.chosen is not None:
                if rung.rid == self.chosen:
                    return at
            elif self.lines_max is not None and rung.lines >= self.lines_max:
                return at
        return len(rungs) - 1

    def is_behind(self, bits_per_s: float, *, now: float) -> bool:
        """Whether so much piles up that the viewer should skip; call it now and then.

        `bits_per_s` is what was sent since the last call, 0 while the viewer skips. It is over once
        all that piled up must have come through.
        """
        elapsed, self._spent_at = min(1.0, now - self._spent_at), now
        if self.capacity is None:
            self._behind_bits = 0.0
            return False
        if bits_per_s and self.capacity >= bits_per_s * TOO_MUCH:
            self.capacity = None
            self._behind_bits = 0.0
            return False
        self._behind_bits = max(0.0, self._behind_bits + (bits_per_s - self.capacity) * elapsed)
        return self._behind_bits > (self.capacity * BEHIND_S_MAX if bits_per_s else 0.0)
