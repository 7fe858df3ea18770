"""A line gets what it carries: less as soon as it is full, more after it was tried."""

import pytest

from media.congestion.link import LayerOption, Link

LADDER = [
    LayerOption("l", 150_000, 180),
    LayerOption("m", 500_000, 360),
    LayerOption("h", 1_500_000, 720),
]
REMB_S = 0.2


class Browser:
    """A viewer's line with a capacity and a queue, its browser, and what we choose for it."""

    def __init__(self, at: int = 1, *, queue_s: float = 1.0) -> None:
        self.now = 0.0
        self.link = Link(now=0.0)
        self.at = at
        self.carries = 1e9
        self.queue_s = queue_s
        self.queued_bits = 0.0
        self.highest = self.lost = 0
        self.repeats_highest = self.repeats_lost = 0
        self.estimate = 300_000.0
        self.log: list[tuple[float, int]] = []

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += REMB_S
            picture = LADDER[self.at].bits_per_s
            sent = picture + self.link.probe_bits_per_s
            self.queued_bits = max(0.0, self.queued_bits + (sent - self.carries) * REMB_S)
            dropped = max(0.0, self.queued_bits - self.carries * self.queue_s)
            self.queued_bits -= dropped
            # What follows a frame, the repeats, is dropped first.
            of_repeats = min(dropped, self.link.probe_bits_per_s * REMB_S)
            self.highest += round(picture * REMB_S / 9_600)
            self.lost += round((dropped - of_repeats) / 9_600)
            self.repeats_highest += round(self.link.probe_bits_per_s * REMB_S / 9_600)
            self.repeats_lost += round(of_repeats / 9_600)
            if sent > self.carries:
                self.estimate = min(self.estimate, 0.85 * self.carries)
            else:
                self.estimate = max(self.estimate, min(self.estimate * 1.016, 1.5 * sent))
            self.link.on_estimate(self.estimate, now=self.now)
            if round(self.now / REMB_S) % 5 == 0:
                self.link.on_report(self.highest, self.lost, retransmits=False, now=self.now)
                self.link.on_report(
                    self.repeats_highest, self.repeats_lost, retransmits=True, now=self.now
                )
                rtt_s = 0.05 + self.queued_bits / self.carries
                self.link.on_rtt(rtt_s, now=self.now)
            at = self.link.choose(LADDER, self.at, now=self.now)
            if at != self.at:
                self.log.append((self.now, at))
            self.at = at


def test_a_line_that_carries_all_gets_the_best_within_seconds() -> None:
    browser = Browser()
    browser.run(6)
    assert browser.at == 2


@pytest.mark.parametrize("queue_s", [0.1, 0.3, 1.0, 5.0])
def test_a_line_that_is_capped_gets_less_at_once_and_more_after_it(queue_s: float) -> None:
    browser = Browser(at=2, queue_s=queue_s)
    browser.run(20)
    browser.carries = 400_000
    capped_at = browser.now
    browser.run(2.2)
    assert browser.at < 2
    browser.run(2)
    assert browser.at == 0
    browser.run(40)
    assert browser.at == 0, "what does not fit is not sent"
    assert len([when for when, _ in browser.log if when > capped_at]) <= 2
    browser.carries = 1e9
    browser.run(15)
    assert browser.at == 2


def test_a_middling_line_gets_the_middle_layer() -> None:
    browser = Browser(at=2)
    browser.carries = 800_000
    browser.run(30)
    assert browser.at == 1


def test_one_fall_of_a_fit_line_changes_nothing() -> None:
    link = Link(now=0)
    link.on_estimate(1_600_000, now=1)
    link.on_estimate(1_300_000, now=1.2)
    assert link.choose(LADDER, 2, now=1.2) == 2


def test_a_line_that_loses_gets_what_comes_through() -> None:
    link = Link(now=0)
    link.on_report(1_000, 0, retransmits=False, now=1)
    link.on_report(1_060, 3, retransmits=False, now=1.5)
    assert link.choose(LADDER, 2, now=1.5) == 2, "five percent are repaired"
    link.on_report(1_100, 35, retransmits=False, now=1.7)
    assert link.choose(LADDER, 2, now=1.7) == 2, "too short to tell"
    link.on_report(1_160, 73, retransmits=False, now=2)
    assert link.loss == 0.7
    assert link.choose(LADDER, 2, now=2) == 0
    assert link.capacity == pytest.approx(450_000)
    for second in range(3, 7):
        link.on_report(1_160 + second * 20, 73, retransmits=False, now=second)
    assert link.capacity is None, "it was long ago"


def test_steady_losses_that_are_repaired_are_no_reason_to_go() -> None:
    link = Link(now=0)
    for at in range(20):
        now = 1 + at * 0.4
        link.on_queuing_delay(60 * at, 0.02, 8_000, now=now)
        link.on_report(60 * at, 8 * at, retransmits=False, now=now)
        assert link.choose(LADDER, 2, now=now) == 2


def test_a_quarter_of_few_packets_is_an_accident_once() -> None:
    link = Link(now=0)
    for at, lost in enumerate((0, 0, 5, 5, 10, 10)):
        link.on_report(20 * at, lost, retransmits=False, now=1 + at)
        assert link.choose(LADDER, 2, now=1 + at) == 2
    link.on_report(120, 15, retransmits=False, now=7)
    link.on_report(140, 20, retransmits=False, now=8)
    assert link.choose(LADDER, 2, now=8) == 1


def test_a_line_that_loses_nearly_all_is_noticed_before_its_report() -> None:
    link = Link(now=0)
    for step in range(5):
        link.on_nack(5, 160, 0.02, now=1 + step * 0.04)
    assert link.choose(LADDER, 2, now=1.2) == 0
    few = Link(now=0)
    for step in range(20):
        few.on_nack(1, 160, 0.02, now=1 + step * 0.05)
    assert few.choose(LADDER, 2, now=2) == 2


@pytest.mark.parametrize(
    ("missed", "queuing_delay_s", "wobbles_s", "then"),
    [
        (6, 0.09, 0.01, 0),
        (3, 0.09, 0.01, 2),  # lost now and then
        (6, 0.03, 0.01, 2),  # lost on the air
        (6, 0.09, 0.03, 2),  # on a line where everything is late now and then
        (6, None, 0.01, 2),
    ],
)
def test_a_frame_without_an_end_before_a_late_one_tells_of_a_short_queue(
    missed: int, queuing_delay_s: float | None, wobbles_s: float, then: int
) -> None:
    link = Link(now=0)
    for step in range(20):
        waits = 0.03 + (wobbles_s if step % 2 else -wobbles_s)
        link.on_queuing_delay(1_000 + step * 30, waits, 8_000, now=1 + step * 0.2)
    link.on_nack(missed, 160, queuing_delay_s, now=5)
    assert link.choose(LADDER, 2, now=5) == then


def test_a_queue_is_noticed_while_it_fills() -> None:
    """Of 150 packets a second, 8,000 bits each, a third comes out, and nothing is lost yet."""
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 30, 0.02, 8_000, now=1 + step * 0.2)
    link.on_queuing_delay(1_280, 0.16, 8_000, now=3)
    assert link.choose(LADDER, 2, now=3) == 0
    assert link.capacity == pytest.approx(0.5 * 10 / 0.2 * 8_000)


@pytest.mark.parametrize("fills", [False, True])
def test_a_single_packet_tells_nothing_until_more_came(fills: bool) -> None:
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 5, 0.02, 8_000, now=1 + step * 0.2)
    link.on_queuing_delay(1_046, 0.16, 8_000, now=3)  # what came next is lost, the rest late
    assert link.choose(LADDER, 2, now=3) == 2
    link.on_queuing_delay(1_048, 0.27 if fills else 0.03, 8_000, now=3.2)
    assert link.choose(LADDER, 2, now=3.2) == (0 if fills else 2)


def test_what_waited_once_does_not_hide_a_queue_for_long() -> None:
    link = Link(now=0)
    link.on_queuing_delay(1_000, 0.7, 8_000, now=1)
    for step in range(10):
        link.on_queuing_delay(
            1_100 + step * 30, 0.4 if step == 3 else 0.02, 8_000, now=2 + step * 0.2
        )
    link.on_queuing_delay(1_380, 0.25, 8_000, now=4.1)
    assert link.choose(LADDER, 2, now=4.1) == 0


def test_a_queue_that_a_trial_fills_ends_the_trial_and_no_more() -> None:
    link = Link(now=0)
    for step in range(10):
        link.on_queuing_delay(1_000 + step * 30, 0.02, 8_000, now=1 + step * 0.2)
    assert link.choose(LADDER, 1, now=2.9) == 1
    assert link.probe_bits_per_s > 0
    link.on_queuing_delay(1_280, 0.16, 8_000, now=3)
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s == 0


@pytest.mark.parametrize(
    ("queuing_delay_s", "came"),
    [
        ((0.02, 0.15, 0.02), 30),  # an access point busy with others, once
        ((0.02, 0.16, 0.16), 0),  # nothing comes at all
        ((0.02, 0.08, 0.14), 20),  # slowly
        ((0.30, 0.36, 0.30), 30),  # a long way
    ],
)
def test_what_waits_a_little_is_no_reason_to_go(
    queuing_delay_s: tuple[float, float, float], came: int
) -> None:
    link = Link(now=0)
    for step in range(20):
        wobble = 0.02 if step % 2 else -0.02
        link.on_queuing_delay(step * 30, queuing_delay_s[0] + wobble, 8_000, now=1 + step * 0.2)
    for step, waits in enumerate(queuing_delay_s[1:]):
        link.on_queuing_delay(570 + came * (step + 1), waits, 8_000, now=5 + step * 0.2)
        assert link.choose(LADDER, 2, now=5 + step * 0.2) == 2


def test_losses_during_a_trial_end_it() -> None:
    link = Link(now=0)
    link.on_report(1_000, 0, retransmits=False, now=2.9)
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s > 0
    link.on_report(1_100, 6, retransmits=False, now=3.4)
    assert link.probe_bits_per_s == 0
    assert link.choose(LADDER, 1, now=6) == 1


def test_what_a_trial_lost_last_speaks_not_against_the_next() -> None:
    link = Link(now=0)

    def report(highest: int, lost: int, now: float, in_flight: int = 0) -> None:
        link.on_report(highest, lost, in_flight=in_flight, retransmits=True, now=now)
        link.choose(LADDER, 1, now=now)

    report(1_000, 0, 2.9, in_flight=40)  # that many never came, and nothing tells of them so far
    assert link.choose(LADDER, 1, now=3) == 1
    assert link.probe_bits_per_s > 0
    report(1_000, 0, 3.1)
    report(1_060, 40, 3.3)
    report(1_080, 41, 3.7)
    assert link.probe_bits_per_s > 0
    report(1_120, 61, 4.15)
    assert link.probe_bits_per_s == 0
    assert link.choose(LADDER, 1, now=6) == 1, "what it loses itself does"


def test_what_is_shown_small_is_sent_small_and_a_choice_goes_before_that() -> None:
    link = Link(now=0)
    link.set_preference(None, 300)
    assert link.choose(LADDER, 2, now=0) == 1
    link.set_preference("l", 300)
    assert link.choose(LADDER, 1, now=0) == 0
    link.set_preference("h", 300)
    assert link.choose(LADDER, 0, now=0) == 2
    link.set_preference("gone", 300)
    assert link.choose(LADDER, 2, now=0) == 2


def test_a_queue_under_the_smallest_layer_is_left_to_drain() -> None:
    link = Link(now=0)
    link.on_rtt(0.05, now=1)
    link.on_rtt(1.5, now=2)
    assert not link.should_pause(now=2), "one may be an accident"
    link.on_rtt(1.25, now=3)
    assert link.should_pause(now=3)
    assert link.should_pause(now=4.1)
    assert not link.should_pause(now=4.3)
    link.on_rtt(0.9, now=4.4)
    link.on_rtt(0.9, now=5)
    assert not link.should_pause(now=5), "that was what had waited"


def test_a_queue_that_drains_already_is_no_reason_to_skip() -> None:
    """After a larger layer its queue is on the way for a while."""
    draining, standing = Link(now=0), Link(now=0)
    for link, in_flight in ((draining, (47, 42, 35)), (standing, (47, 47, 48))):
        link.on_rtt(0.05, now=1)
        for step, packets in enumerate(in_flight):
            link.on_in_flight(packets, now=2 + step * 0.2)
        link.on_rtt(1.2, now=2.1)
        link.on_rtt(1.0, now=2.4)
    assert not draining.should_pause(now=2.4)
    assert standing.should_pause(now=2.4)


def test_a_line_that_is_far_behind_is_sent_nothing_until_it_is_not() -> None:
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
    assert not link.should_pause(now=5.1), "the rest was lost, since nobody tells of it"
    draining = Link(now=0)
    for step, in_flight in enumerate((47, 42, 35)):
        draining.on_in_flight(in_flight, now=1 + step * 0.2)
    draining.on_oldest_in_flight(0.9, now=1.4)
    assert not draining.should_pause(now=1.4), "a larger layer's queue is on the way"


def test_nothing_larger_is_tried_on_a_line_that_is_behind() -> None:
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
    assert link.probe_bits_per_s == 0, "a trial ends"


def test_heavy_losses_under_the_smallest_layer_are_a_reason_to_skip() -> None:
    link = Link(now=0)
    link.on_report(100, 0, retransmits=False, now=0.2)
    link.on_report(200, 50, retransmits=False, now=0.7)
    assert not link.should_pause(now=0.7)
    link.on_report(300, 100, retransmits=False, now=1.2)
    assert link.should_pause(now=1.2)
    assert not link.should_pause(now=2)
