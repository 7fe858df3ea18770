"""Rules of lucky bags: who enters, and who wins."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.activities.draws import (
    PRESENT_MS,
    DrawTerms,
    draw_terms,
    drawn,
    entries_hash_of,
)
from commerce.errors import InvalidField

NOW_MS = 1_000_000
END_MS = NOW_MS + 60_000
tickets = st.lists(st.text("0123456789abcdef", min_size=4, max_size=8), unique=True, max_size=30)


def terms(**options: Any) -> DrawTerms:
    """A draw of a minute."""
    return draw_terms("demo", "tea", 1, 60, NOW_MS, **options)


@given(tickets, st.text("0123456789abcdef", min_size=8), st.integers(1, 5), st.randoms())
@settings(max_examples=30)
def test_winners_are_different_tickets_of_the_list_in_any_order(
    listed: list[str], seed: str, winners: int, random: Random
) -> None:
    won = drawn(seed, listed, winners)
    assert len(won) == min(winners, len(listed)) == len(set(won) & set(listed))
    shuffled = list(listed)
    random.shuffle(shuffled)
    assert drawn(seed, shuffled, winners) == won
    assert drawn(seed, listed, winners + 1)[:winners] == won
    assert entries_hash_of(shuffled) == entries_hash_of(listed)


def test_every_ticket_wins_as_often() -> None:
    listed = ["a", "b", "c", "d", "e"]
    wins = Counter(drawn(str(seed), listed, 1)[0] for seed in range(5_000))
    # Chi-squared of 4 degrees of freedom: 18.5 is passed by one fair draw in a thousand.
    assert sum((wins[each] - 1_000) ** 2 / 1_000 for each in listed) < 18.5


def test_presence_counts_in_the_last_moments_alone() -> None:
    stay, free = terms(stay=True), terms()
    assert not stay.takes_presence(END_MS - PRESENT_MS - 1)
    assert stay.takes_presence(END_MS - PRESENT_MS)
    assert not stay.takes_presence(END_MS)
    assert not stay.counts(END_MS - PRESENT_MS - 1)
    assert stay.counts(END_MS - 1) and free.counts(None)


def test_a_comment_is_the_word_in_any_width_and_case() -> None:
    asked = terms(word="想吃 Tea")
    assert asked.is_word("想吃tea!") and asked.is_word("想吃ＴＥＡ")
    assert not asked.is_word("想吃")


@pytest.mark.parametrize(
    ("winners", "duration_s", "word", "member"),
    [(0, 60, "", "winners"), (51, 60, "", "winners"), (1, 29, "", "duration_s")]
    + [(1, 1_801, "", "duration_s"), (1, 60, "w" * 21, "word"), (1, 60, " ", "word")],
)
def test_bad_terms_name_the_member(winners: int, duration_s: int, word: str, member: str) -> None:
    with pytest.raises(InvalidField) as refused:
        draw_terms("demo", "tea", winners, duration_s, NOW_MS, word=word)
    assert refused.value.member == member
