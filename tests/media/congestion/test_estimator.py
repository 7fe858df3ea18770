"""The bandwidth of an emulated link is estimated from the arrival times of its packets."""

from itertools import pairwise
from random import Random

import pytest

from media.congestion.estimator import BITRATE_MIN_BPS, RECEIVED_ARRIVALS_MAX, Arrival, Estimator
from media.congestion.link import ESTIMATE_DECREASE_RATIO
from media.emulator import Conditions, EmulatedLink
from media.wire.transport_cc import Arrivals, parse
from tests.support.rtcp_payloads import payload_of

FRAME_S = 0.04
PACKET_BYTES = 1_200
STEP_S = 0.005
REPORT_S = 0.1
START = 1_000.0


class Path:
    """A sender, a link, and a receiver that sends transport-wide feedback by its own clock."""

    def __init__(
        self, conditions: Conditions, *, clock_skew: float = 0.0, offset_s: float = 77.0
    ) -> None:
        self.link = EmulatedLink(conditions, Random(3))
        self.clock_skew = clock_skew  # how much faster the receiver's clock runs
        self.offset_s = offset_s
        self.packets_per_frame = 6
        self.estimator = Estimator()
        self.estimates: list[float] = []
        self._now = START
        self._steps = 0
        self._sent: list[float] = []
        self._acknowledged_to = -1
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
                at = (self._now - START) * (1 + self.clock_skew) + START + self.offset_s
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
        parsed = parse(payload_of(report))
        assert parsed is not None and len(self._sent) < 0x10000
        newest = parsed.first + parsed.last
        if newest <= self._acknowledged_to:
            return
        received = (newest - self._acknowledged_to) * parsed.received / parsed.packets
        arrival = Arrival(self._sent[newest], parsed.at, received * PACKET_BYTES * 8)
        self.estimates.append(self.estimator.on_arrival(arrival, now=self._now))
        self._acknowledged_to = newest


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
@pytest.mark.parametrize("clock_skew", [0.0, 1e-4, -1e-4])
def test_a_link_with_spare_bandwidth_is_never_overused(
    conditions: Conditions, clock_skew: float
) -> None:
    path = Path(conditions, clock_skew=clock_skew)
    estimates = path.run(40)
    assert all(after >= before * ESTIMATE_DECREASE_RATIO for before, after in pairwise(estimates))
    assert estimates[-1] > SENT_PER_S * 0.95
    assert max(estimates) < SENT_PER_S * 2, "bandwidth beyond what is sent is unknown"


@pytest.mark.parametrize("jitter_s", [0.0, 0.01])
@pytest.mark.parametrize("queue_s", [0.3, 1.0, 5.0])
def test_overuse_of_a_capped_link_is_detected_within_a_second(
    queue_s: float, jitter_s: float
) -> None:
    conditions = Conditions(delay_s=0.02, jitter_s=jitter_s, queue_s=queue_s)
    path = Path(conditions)
    path.run(10)
    conditions.rate_bps = 400_000
    estimates = path.run(1.0)
    assert min(estimates) < 400_000
    # The sender follows the estimate.
    path.packets_per_frame = 1
    path.run(10)
    conditions.rate_bps = None
    path.packets_per_frame = 6
    assert path.run(30)[-1] > SENT_PER_S * 0.95


def test_clock_jumps_keep_the_estimate_in_bounds() -> None:
    estimator = Estimator()
    for second in range(100):
        arrived_at = 1e6 if second % 10 == 5 else float(second)
        estimate = estimator.on_arrival(
            Arrival(second / 1, arrived_at, 30_000.0), now=START + second
        )
        assert BITRATE_MIN_BPS <= estimate < 1e6


@pytest.mark.parametrize("step_s", [0.0, -1e-6])
def test_a_stopped_receiver_clock_keeps_a_bounded_window(step_s: float) -> None:
    estimator = Estimator()
    for at in range(10 * RECEIVED_ARRIVALS_MAX):
        estimator.on_arrival(Arrival(at / 10, at * step_s, 30_000.0), now=START + at / 10)
    assert len(estimator._received._arrivals) <= RECEIVED_ARRIVALS_MAX
