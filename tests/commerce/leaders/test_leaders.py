"""What leaders see of neighbours, in which order, and on which day."""

import pytest

from commerce.leaders.day import day_begins_ms
from commerce.leaders.names import masked
from commerce.leaders.walk import walk_key


@pytest.mark.parametrize(
    ("nickname", "shown"),
    [
        ("晨光", "晨*"),
        ("王阿姨", "王*姨"),
        ("3号楼王阿姨", "3*姨"),
        ("M", "M"),
        ("👩‍🍳小厨房", "👩‍🍳*房"),
        ("小👍🏽", "小*"),
    ],
)
def test_masked_name_shows_first_and_last_character(nickname: str, shown: str) -> None:
    assert masked(nickname) == shown


def test_walk_passes_buildings_and_flats_by_number_and_unknown_ones_last() -> None:
    flats = [("10", "101"), ("", ""), ("9", "1002"), ("9", "201"), ("A", "1"), ("3-2", "5")]
    assert sorted(flats, key=lambda flat: walk_key(*flat)) == [
        ("3-2", "5"),
        ("9", "201"),
        ("9", "1002"),
        ("10", "101"),
        ("A", "1"),
        ("", ""),
    ]


def test_day_begins_at_midnight_of_the_estate() -> None:
    hour = 3_600_000
    assert day_begins_ms("Asia/Shanghai", now_ms=15 * hour) == -8 * hour
    assert day_begins_ms("Asia/Shanghai", now_ms=16 * hour) == 16 * hour
    assert day_begins_ms("UTC", now_ms=15 * hour) == 0
