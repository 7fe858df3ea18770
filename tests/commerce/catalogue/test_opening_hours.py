"""Opening hours are seven days from Monday, or nothing."""

import pytest

from commerce.catalogue.opening_hours import DAYS, joined, split
from commerce.errors import InvalidField


@pytest.mark.parametrize("days", [[], [""] * DAYS, ["07:30-21:00", *[""] * 5, "00:00-24:00"]])
def test_text_of_the_record_holds_the_days(days: list[str]) -> None:
    assert list(split(joined(days))) == days


@pytest.mark.parametrize(
    "span", ["21:00-07:30", "07:30", "7:30-21:00", "07:60-21:00", "09:00-25:00"]
)
def test_day_that_is_no_span_is_refused(span: str) -> None:
    with pytest.raises(InvalidField, match=r"opening_hours\.0"):
        joined([span, *[""] * 6])
