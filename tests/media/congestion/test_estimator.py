"""What a line carries is found from when packets came, over an emulated line."""

from itertools import pairwise
from random import Random

import pytest

from media.congestion.estimator import CAME_MAX, LEAST, Arrival, Estimator
from media.congestion.link import FALL
from media.emulator import Conditions, EmulatedLink
from media.wire.transport_cc import Arrivals, read
from tests.media.wire.test_transport_cc import payload_of

FRAME_S = 0.04
PACKET_BYTES = 1_200
STEP_S = 0.005
REPORT_S = 0.1
START = 1_000.0


class Track:
    """A sender, a line, and a receiver that tells when packets came, by a clock of its own."""

    def __init__(
        self, conditions: Conditions, *, fast: float = 0.0, offset_s: float = 77.0
    ) -> None:
        self.link = EmulatedLink(conditions, Random(3))
        self.fast = fast  # how much faster the receiver's clock runs
        self.offset_s = offset_s
        self.packets_per_frame = 6
        self.estimator = Estimator()
        self.estimates: list[float] = []
        self._now = START
        self._steps = 0
        self._sent: list[float] = []
        self._told_to = -1
        self._arrivals = Arrivals()

    def run(self, seconds: float) -> list[float]:
        """Go on, and return the estimates of this time."""
        before = len(self.estimates)
        for _ in range(round(seconds / STEP_S)):
            self._steps += 1
            self._now += STEP_S
            if self._steps % round(FRAME_S / STEP_S) == 0:
                self._send_frame()
            for datagram in self.link.ready(now=self._now):
                at = (self._now - START) * (1 + self.fast) + START + self.offset_s
                self._arrivals.receive(int.from_bytes(datagram[:4], "big") & 0xFFFF, now=at)
            if self._steps % round(REPORT_S / STEP_S) == 0:
                self._report()
        return self.estimates[before:]

    def _send_frame(self) -> None:
        for _ in range(self.packets_per_frame):
            number = len(self._sent).to_bytes(4, "big")
            self.link.send(number + bytes(PACKET_BYTES - 4), now=self._now)
            self._sent.append(self._now)

    def _report(self) -> None:
        report = self._arrivals.report(1, 2)
        if report is None:
            return
        told = read(payload_of(report))
        assert told is not None and len(self._sent) < 0x10000
        newest = told.first + told.last
        if newest <= self._told_to:
            return
        came = (newest - self._told_to) * told.came / told.packets
        arrival = Arrival(self._sent[newest], told.at, came * PACKET_BYTES * 8)
        self.estimates.append(self.estimator.hear(arrival, now=self._now))
        self._told_to = newest


SENT_PER_S = 6 * PACKET_BYTES * 8 / FRAME_S


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(delay_s=0.02),
        Conditions(delay_s=0.03, jitter_s=0.02),
        Conditions(delay_s=0.03, jitter_s=0.05, loss=0.03),
        Conditions(delay_s=0.02, rate_bps=2 * SENT_PER_S),
    ],
)
@pytest.mark.parametrize("fast", [0.0, 1e-4, -1e-4])
def test_a_line_that_carries_all_is_never_called_full(conditions: Conditions, fast: float) -> None:
    track = Track(conditions, fast=fast)
    estimates = track.run(40)
    assert all(after >= before * FALL for before, after in pairwise(estimates))
    assert estimates[-1] > SENT_PER_S * 0.95
    assert max(estimates) < SENT_PER_S * 2, "of more than is sent nothing is known"


@pytest.mark.parametrize("jitter_s", [0.0, 0.01])
@pytest.mark.parametrize("queue_s", [0.3, 1.0, 5.0])
def test_a_line_that_is_capped_is_found_out_before_its_queue_is_long(
    queue_s: float, jitter_s: float
) -> None:
    conditions = Conditions(delay_s=0.02, jitter_s=jitter_s, queue_s=queue_s)
    track = Track(conditions)
    track.run(10)
    conditions.rate_bps = 400_000
    told = track.run(1.0)
    assert min(told) < 400_000
    # As a sender would that heeds it.
    track.packets_per_frame = 1
    track.run(10)
    conditions.rate_bps = None
    track.packets_per_frame = 6
    assert track.run(30)[-1] > SENT_PER_S * 0.95


def test_nothing_is_made_of_clocks_that_jump() -> None:
    estimator = Estimator()
    for second in range(100):
        came = 1e6 if second % 10 == 5 else float(second)
        estimate = estimator.hear(Arrival(second / 1, came, 30_000.0), now=START + second)
        assert LEAST <= estimate < 1e6


@pytest.mark.parametrize("step_s", [0.0, -1e-6])
def test_a_clock_that_stands_still_keeps_nothing_for_ever(step_s: float) -> None:
    estimator = Estimator()
    for at in range(10 * CAME_MAX):
        estimator.hear(Arrival(at / 10, at * step_s, 30_000.0), now=START + at / 10)
    assert len(estimator._came) <= CAME_MAX
