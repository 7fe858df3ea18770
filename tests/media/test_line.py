"""A line gets what it carries: less as soon as it is full, more after it was tried."""

from media.line import Line, Rung

LADDER = [Rung("l", 150_000, 180), Rung("m", 500_000, 360), Rung("h", 1_500_000, 720)]
REMB_S = 0.2


class Browser:
    """A viewer's line with a capacity, its browser's estimate, and what we choose for it."""

    def __init__(self, at: int = 1) -> None:
        self.now = 0.0
        self.line = Line(now=0.0)
        self.at = at
        self.carries = 1e9
        self.estimate = 300_000.0
        self.log: list[tuple[float, int]] = []

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += REMB_S
            sent = LADDER[self.at].bits_per_s + self.line.probe_per_s
            if sent > self.carries:
                self.estimate = min(self.estimate, 0.85 * self.carries)
            else:
                self.estimate = max(self.estimate, min(self.estimate * 1.016, 1.5 * sent))
            self.line.hear_estimate(self.estimate, now=self.now)
            at = self.line.choose(LADDER, self.at, now=self.now)
            if at != self.at:
                self.log.append((self.now, at))
            self.at = at


def test_a_line_that_carries_all_gets_the_best_within_seconds() -> None:
    browser = Browser()
    browser.run(6)
    assert browser.at == 2


def test_a_line_that_is_capped_gets_less_within_two_seconds_and_more_after_it() -> None:
    browser = Browser(at=2)
    browser.run(20)
    browser.carries = 400_000
    capped_at = browser.now
    browser.run(2)
    assert browser.at == 0
    browser.run(40)
    assert browser.at == 0, "what does not fit is not sent"
    assert len([when for when, at in browser.log if when > capped_at]) == 1
    browser.carries = 1e9
    browser.run(15)
    assert browser.at == 2


def test_a_middling_line_gets_the_middle_layer() -> None:
    browser = Browser(at=2)
    browser.carries = 800_000
    browser.run(30)
    assert browser.at == 1


def test_one_fall_of_a_fit_line_changes_nothing() -> None:
    line = Line(now=0)
    line.hear_estimate(1_600_000, now=1)
    line.hear_estimate(1_300_000, now=1.2)
    assert line.choose(LADDER, 2, now=1.2) == 2


def test_heavy_losses_twice_in_a_row_are_a_reason_to_go_down() -> None:
    line = Line(now=0)
    line.hear_loss(0.2, now=1)
    assert line.choose(LADDER, 2, now=1) == 2
    line.hear_loss(0.2, now=2)
    assert line.choose(LADDER, 2, now=2) == 1
    assert line.choose(LADDER, 1, now=2.2) == 1


def test_losses_during_a_trial_end_it() -> None:
    line = Line(now=0)
    assert line.choose(LADDER, 1, now=3) == 1
    assert line.choose(LADDER, 1, now=3.2) == 1
    assert line.probe_per_s > 0
    line.hear_loss(0.06, now=3.3)
    assert line.probe_per_s == 0
    assert line.choose(LADDER, 1, now=6) == 1


def test_what_is_shown_small_is_sent_small_and_a_choice_goes_before_that() -> None:
    line = Line(now=0)
    line.wish(None, 300)
    assert line.choose(LADDER, 2, now=0) == 1
    line.wish("l", 300)
    assert line.choose(LADDER, 1, now=0) == 0
    line.wish("h", 300)
    assert line.choose(LADDER, 0, now=0) == 2
    line.wish("gone", 300)
    assert line.choose(LADDER, 2, now=0) == 2


def test_a_viewer_whose_line_is_too_thin_for_the_only_layer_skips_and_comes_back() -> None:
    line = Line(now=0)
    line.hear_estimate(1_500_000, now=0)
    assert not line.is_behind(1_500_000, now=0.2)
    line.hear_estimate(400_000, now=0.3)
    behind = [line.is_behind(1_500_000, now=0.3 + step / 10) for step in range(1, 10)]
    assert behind[0] is False
    assert behind[-1] is True
    came_through = [line.is_behind(0, now=1.2 + step / 10) for step in range(1, 40)]
    assert came_through[0] is True
    assert came_through[-1] is False
