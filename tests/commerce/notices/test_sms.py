"""SMS is the last way of a notice, for few kinds."""

import itertools

import pytest

from commerce.notices.notices import NoticeKind
from commerce.notices.sms import DAY_MS, SMS_KINDS, Way, day_of, way_of


@pytest.mark.parametrize("kind", NoticeKind)
def test_what_costs_nothing_comes_before_sms_and_sms_is_for_its_kinds_only(
    kind: NoticeKind,
) -> None:
    for browser, grant, number, template in itertools.product((False, True), repeat=4):
        way = way_of(
            kind,
            has_browser=browser,
            has_grant=grant,
            has_number=number,
            templates={kind} if template else (),
        )
        by_sms = Way.SMS if number and template and kind in SMS_KINDS else None
        assert way is (Way.PUSH if browser else Way.WECHAT if grant else by_sms)


def test_a_day_of_a_number_begins_at_midnight_in_china() -> None:
    midnight_ms = 1_767_196_800_000  # of 2026-01-01 in UTC+8
    assert day_of(midnight_ms) == day_of(midnight_ms - 1) + 1 == day_of(midnight_ms + DAY_MS) - 1
