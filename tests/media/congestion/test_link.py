"""A link gets a smaller layer as soon as it is overused, a larger one after a probe."""

import pytest

from media.congestion.link import LayerOption, Link

LADDER = [
    LayerOption("l", 150_000, 180),
    LayerOption("m", 500_000, 360),
    LayerOption("h", 1_500_000, 720),
]
REMB_S = 0.2


class EmulatedViewer:
    """A viewer's link with a bandwidth and a queue, its feedback, and the layer that we choose."""

    def __init__(self, at: int = 1, *, queue_s: float = 1.0) -> None:
        self.now = 0.0
        self.link = Link(now=0.0)
        self.at = at
        self.bandwidth = 1e9
        self.queue_s = queue_s
        self.queued_bits = 0.0
        self.highest = self.lost = 0
        self.retransmits_highest = self.retransmits_lost = 0
        self.estimate = 300_000.0
        self.log: list[tuple[float, int]] = []

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += REMB_S
            media = LADDER[self.at].bits_per_s
            sent = media + self.link.probe_bits_per_s
            self.queued_bits = max(0.0, self.queued_bits + (sent - self.bandwidth) * REMB_S)
            dropped = max(0.0, self.queued_bits - self.bandwidth * self.queue_s)
            self.queued_bits -= dropped
            # Retransmits follow a frame, so they are dropped first.
            of_retransmits = min(dropped, self.link.probe_bits_per_s * REMB_S)
            self.highest += round(media * REMB_S / 9_600)
            self.lost += round((dropped - of_retransmits) / 9_600)
            self.retransmits_highest += round(self.link.probe_bits_per_s * REMB_S / 9_600)
            self.retransmits_lost += round(of_retransmits / 9_600)
            if sent > self.bandwidth:
                self.estimate = min(self.estimate, 0.85 * self.bandwidth)
            else:
                self.estimate = max(self.estimate, min(self.estimate * 1.016, 1.5 * sent))
            self.link.on_estimate(self.estimate, now=self.now)
            if round(self.now / REMB_S) % 5 == 0:
                self.link.on_report(self.highest, self.lost, retransmits=False, now=self.now)
                self.link.on_report(
                    self.retransmits_highest, self.retransmits_lost, retransmits=True, now=self.now
                )
                rtt_s = 0.05 + self.queued_bits / self.bandwidth
                self.link.on_rtt(rtt_s, now=self.now)
            at = self.link.choose(LADDER, self.at, now=self.now)
            if at != self.at:
                self.log.append((self.now, at))
            self.at = at


def test_an_unlimited_link_gets_the_largest_layer_within_seconds() -> None:
    viewer = EmulatedViewer()
    viewer.run(6)
    assert viewer.at == 2


@pytest.mark.parametrize("queue_s", [0.1, 0.3, 1.0, 5.0])
def test_a_capped_link_gets_a_smaller_layer_at_once_and_a_larger_one_after_the_cap(
    queue_s: float,
) -> None:
    viewer = EmulatedViewer(at=2, queue_s=queue_s)
    viewer.run(20)
    viewer.bandwidth = 400_000
    capped_at = viewer.now
    viewer.run(2.2)
    assert viewer.at < 2
    viewer.run(2)
    assert viewer.at == 0
    viewer.run(40)
    assert viewer.at == 0, "probes fail while the cap lasts"
    assert len([when for when, _ in viewer.log if when > capped_at]) <= 2
    viewer.bandwidth = 1e9
    viewer.run(15)
    assert viewer.at == 2


def test_a_link_between_two_bitrates_gets_the_layer_that_fits() -> None:
    viewer = EmulatedViewer(at=2)
    viewer.bandwidth = 800_000
    viewer.run(30)
    assert viewer.at == 1


def test_one_decrease_of_a_sufficient_estimate_keeps_the_layer() -> None:
    link = Link(now=0)
    link.on_estimate(1_600_000, now=1)
    link.on_estimate(1_300_000, now=1.2)
    assert link.choose(LADDER, 2, now=1.2) == 2


def test_a_lossy_link_gets_the_layer_that_fits_its_received_bitrate() -> None:
    link = Link(now=0)
    link.on_report(1_000, 0, retransmits=False, now=1)
    link.on_report(1_060, 3, retransmits=False, now=1.5)
    assert link.choose(LADDER, 2, now=1.5) == 2, "five percent are retransmitted"
    link.on_report(1_100, 35, retransmits=False, now=1.7)
    assert link.choose(LADDER, 2, now=1.7) == 2, "the window is too short"
    link.on_report(1_160, 73, retransmits=False, now=2)
    assert link.loss == 0.7
    assert link.choose(LADDER, 2, now=2) == 0
    assert link.capacity == pytest.approx(450_000)
    for second in range(3, 7):
        link.on_report(1_160 + second * 20, 73, retransmits=False, now=second)
    assert link.capacity is None, "the capacity is forgotten"


def test_steady_loss_that_retransmits_repair_keeps_the_layer() -> None:
    link = Link(now=0)
    for at in range(20):
        now = 1 + at * 0.4
        link.on_queuing_delay(60 * at, 0.02, 8_000, now=now)
        link.on_report(60 * at, 8 * at, retransmits=False, now=now)
        assert link.choose(LADDER, 2, now=now) == 2


def test_loss_in_one_small_window_keeps_the_layer() -> None:
    link = Link(now=0)
    for at, lost in enumerate((0, 0, 5, 5, 10, 10)):
        link.on_report(20 * at, lost, retransmits=False, now=1 + at)
        assert link.choose(LADDER, 2, now=1 + at) == 2
    link.on_report(120, 15, retransmits=False, now=7)
    link.on_report(140, 20, retransmits=False, now=8)
    assert link.choose(LADDER, 2, now=8) == 1


def test_nacks_for_most_packets_are_overuse_before_a_report() -> None:
    link = Link(now=0)
    for step in range(5):
        link.on_nack(5, 160, 0.02, now=1 + step * 0.04)
    assert link.choose(LADDER, 2, now=1.2) == 0
    few = Link(now=0)
    for step in range(20):
        few.on_nack(1, 160, 0.02, now=1 + step * 0.05)
    assert few.choose(LADDER, 2, now=2) == 2


@pytest.mark.parametrize(
    ("missed", "queuing_delay_s", "deviation_s", "then"),
    [
        (6, 0.09, 0.01, 0),
        (3, 0.09, 0.01, 2),  # few
        (6, 0.03, 0.01, 2),  # random loss: the next packet is on time
        (6, 0.09, 0.03, 2),  # within the usual jitter
        (6, None, 0.01, 2),
    ],
)
def test_a_nack_burst_before_a_late_packet_is_overuse_of_a_short_queue(
    missed: int, queuing_delay_s: float | None, deviation_s: float, then: int
) -> None:
    link = Link(now=0)
    for step in range(20):
        waits = 0.03 + (deviation_s if step % 2 else -deviation_s)
        link.on_queuing_delay(1_000 + step * 30, waits, 8_000, now=1 + step * 0.2)
    link.on_nack(missed, 160, queuing_delay_s, now=5)
    assert link.choose(LADDER, 2, now=5) == then


def test_growing_queuing_delay_is_overuse_before_any_loss() -> None:
    """Of 150 packets a second, 8,000 bits each, a third arrives."""
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 30, 0.02, 8_000, now=1 + step * 0.2)
    link.on_queuing_delay(1_280, 0.16, 8_000, now=3)
    assert link.choose(LADDER, 2, now=3) == 0
    assert link.capacity == pytest.approx(0.5 * 10 / 0.2 * 8_000)


@pytest.mark.parametrize("builds_up", [False, True])
def test_queuing_delay_after_a_single_packet_waits_for_the_next_report(builds_up: bool) -> None:
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 5, 0.02, 8_000, now=1 + step * 0.2)
    link.on_queuing_delay(1_046, 0.16, 8_000, now=3)  # the next packet is lost, the others are late
    assert link.choose(LADDER, 2, now=3) == 2
    link.on_queuing_delay(1_048, 0.27 if builds_up else 0.03, 8_000, now=3.2)
    assert link.choose(LADDER, 2, now=3.2) == (0 if builds_up else 2)


def test_one_delay_outlier_does_not_mask_later_overuse() -> None:
    link = Link(now=0)
    link.on_queuing_delay(1_000, 0.7, 8_000, now=1)
    for step in range(10):
        link.on_queuing_delay(
            1_100 + step * 30, 0.4 if step == 3 else 0.02, 8_000, now=2 + step * 0.2
        )
    link.on_queuing_delay(1_380, 0.25, 8_000, now=4.1)
    assert link.choose(LADDER, 2, now=4.1) == 0


def test_queuing_delay_during_a_probe_ends_the_probe_and_keeps_the_layer() -> None:
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 30, 0.02, 8_000, now=1 + step * 0.2)
    assert link.choose(LADDER, 1, now=2.9) == 1
    assert link.probe_bits_per_s > 0
    link.on_queuing_delay(1_280, 0.16, 8_000, now=3)
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s == 0


@pytest.mark.parametrize(
    ("queuing_delay_s", "received"),
    [
        ((0.02, 0.15, 0.02), 30),  # one outlier, of a busy access point
        ((0.02, 0.16, 0.16), 0),  # an outage
        ((0.02, 0.08, 0.14), 20),  # slow growth
        ((0.30, 0.36, 0.30), 30),  # a high RTT
    ],
)
def test_queuing_delay_without_steady_growth_keeps_the_layer(
    queuing_delay_s: tuple[float, float, float], received: int
) -> None:
    link = Link(now=0)
    for step in range(20):
        jitter_s = 0.02 if step % 2 else -0.02
        link.on_queuing_delay(step * 30, queuing_delay_s[0] + jitter_s, 8_000, now=1 + step * 0.2)
    for step, waits in enumerate(queuing_delay_s[1:]):
        link.on_queuing_delay(570 + received * (step + 1), waits, 8_000, now=5 + step * 0.2)
        assert link.choose(LADDER, 2, now=5 + step * 0.2) == 2


def test_loss_during_a_probe_ends_it() -> None:
    link = Link(now=0)
    link.on_report(1_000, 0, retransmits=False, now=2.9)
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s > 0
    link.on_report(1_100, 6, retransmits=False, now=3.4)
    assert link.probe_bits_per_s == 0
    assert link.choose(LADDER, 1, now=6) == 1


def test_late_losses_of_a_probe_do_not_count_against_the_next() -> None:
    link = Link(now=0)

    def report(highest: int, lost: int, now: float, in_flight: int = 0) -> None:
        link.on_report(highest, lost, in_flight=in_flight, retransmits=True, now=now)
        link.choose(LADDER, 1, now=now)

    report(1_000, 0, 2.9, in_flight=40)  # those are lost, but not yet reported
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s > 0
    report(1_000, 0, 3.1)
    report(1_060, 40, 3.3)
    report(1_080, 41, 3.7)
    assert link.probe_bits_per_s > 0
    report(1_120, 61, 4.15)
    assert link.probe_bits_per_s == 0
    assert link.choose(LADDER, 1, now=6) == 1, "its own losses do"


def test_a_chosen_layer_overrides_the_viewers_height() -> None:
    link = Link(now=0)
    link.set_preference(None, 300)
    assert link.choose(LADDER, 2, now=0) == 1
    link.set_preference("l", 300)
    assert link.choose(LADDER, 1, now=0) == 0
    link.set_preference("h", 300)
    assert link.choose(LADDER, 0, now=0) == 2
    link.set_preference("gone", 300)
    assert link.choose(LADDER, 2, now=0) == 2


def test_a_standing_queue_under_the_smallest_layer_pauses_the_viewer() -> None:
    link = Link(now=0)
    link.on_rtt(0.05, now=1)
    link.on_rtt(1.5, now=2)
    assert not link.should_pause(now=2), "a single RTT is no queue"
    link.on_rtt(1.25, now=3)
    assert link.should_pause(now=3)
    assert link.should_pause(now=4.1)
    assert not link.should_pause(now=4.3)
    link.on_rtt(0.9, now=4.4)
    link.on_rtt(0.9, now=5)
    assert not link.should_pause(now=5), "feedback of the pause is ignored"


def test_a_draining_queue_does_not_pause() -> None:
    """The queue that a larger layer left takes a while to drain."""
    draining, standing = Link(now=0), Link(now=0)
    for link, in_flight in ((draining, (47, 42, 35)), (standing, (47, 47, 48))):
        link.on_rtt(0.05, now=1)
        for step, packets in enumerate(in_flight):
            link.on_in_flight(packets, now=2 + step * 0.2)
        link.on_rtt(1.2, now=2.1)
        link.on_rtt(1.0, now=2.4)
    assert not draining.should_pause(now=2.4)
    assert standing.should_pause(now=2.4)


def test_old_packets_in_flight_pause_the_viewer_until_they_arrive() -> None:
    link = Link(now=0)
    link.on_oldest_in_flight(0.7, now=1.0)
    assert not link.should_pause(now=1.0)
    link.on_oldest_in_flight(0.9, now=1.2)
    assert link.should_pause(now=1.2)
    for step in range(1, 12):
        now = 1.2 + step * 0.2
        link.on_oldest_in_flight(0.9 - step * 0.05, now=now)
        assert link.should_pause(now=now)
    link.on_oldest_in_flight(0.2, now=3.6)
    assert not link.should_pause(now=3.6)
    link.on_oldest_in_flight(0.9, now=4.0)
    assert link.should_pause(now=4.0)
    assert not link.should_pause(now=5.1), "without feedback the rest is lost"
    draining = Link(now=0)
    for step, in_flight in enumerate((47, 42, 35)):
        draining.on_in_flight(in_flight, now=1 + step * 0.2)
    draining.on_oldest_in_flight(0.9, now=1.4)
    assert not draining.should_pause(now=1.4), "the queue of a larger layer drains"


def test_old_packets_in_flight_postpone_probes() -> None:
    link = Link(now=0)
    for step in range(20):
        now = 2 + step * 0.2
        link.on_oldest_in_flight(0.5, now=now)
        assert link.choose(LADDER, 0, now=now) == 0
        assert link.probe_bits_per_s == 0
    assert not link.is_uncongested
    link.on_oldest_in_flight(0.0, now=6.2)
    assert link.is_uncongested
    link.choose(LADDER, 0, now=12)
    assert link.probe_bits_per_s > 0
    link.on_oldest_in_flight(0.5, now=12.2)
    link.choose(LADDER, 0, now=12.2)
    assert link.probe_bits_per_s == 0, "the probe ends"


def test_heavy_loss_under_the_smallest_layer_pauses_the_viewer() -> None:
    link = Link(now=0)
    link.on_report(100, 0, retransmits=False, now=0.2)
    link.on_report(200, 50, retransmits=False, now=0.7)
    assert not link.should_pause(now=0.7)
    link.on_report(300, 100, retransmits=False, now=1.2)
    assert link.should_pause(now=1.2)
    assert not link.should_pause(now=2)
