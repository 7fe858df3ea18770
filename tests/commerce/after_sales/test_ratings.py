"""Ratings: when they may be given, what waits for a person, what a card shows."""

import pytest

from commerce.after_sales.ratings import (
    EDIT_MS,
    RATE_MS,
    NotRatable,
    Stars,
    check_ratable,
    is_held,
    stars_of,
)


def test_stars_are_shown_from_five_ratings_on_rounded_to_tenths() -> None:
    shown = stars_of([("few", 20, 4), ("tea", 23, 5), ("pear", 106, 23), ("soup", 91, 20)])
    assert shown == {"tea": Stars(46, 5), "pear": Stars(46, 23), "soup": Stars(46, 20)}


@pytest.mark.parametrize(
    "words",
    [
        "加 微 信 便宜",
        "v我 加·v·x",
        "打 1380000 1111 找我",
        "看 www.example.com",
        "ＦＵＣＫ",
        "骗子",
    ],
)
def test_insults_and_contacts_wait_for_a_person(words: str) -> None:
    assert is_held(words)


@pytest.mark.parametrize("words", ["", "有点咸，下次少放盐", "5 stars, 2 kg is enough", "一般般"])
def test_plain_words_are_shown(words: str) -> None:
    assert not is_held(words)


def test_a_rating_comes_after_the_handover_and_changes_for_a_day() -> None:
    check_ratable(0, None, RATE_MS)
    check_ratable(0, 100, 100 + EDIT_MS)
    for handed_over, rated, now in ((None, None, 0), (0, None, RATE_MS + 1), (0, 0, EDIT_MS + 1)):
        with pytest.raises(NotRatable):
            check_ratable(handed_over, rated, now)
