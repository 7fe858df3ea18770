"""Days of numbers to which notices come by SMS."""

from commerce.notices.sms import DAY_MS, day_of


def test_a_day_of_a_number_begins_at_midnight_in_china() -> None:
    midnight_ms = 1_767_196_800_000  # of 2026-01-01 in UTC+8
    assert day_of(midnight_ms) == day_of(midnight_ms - 1) + 1 == day_of(midnight_ms + DAY_MS) - 1
