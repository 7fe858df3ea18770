"""Rules of what rooms do together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.activities.polls import SHOWN_AFTER_MS, new_poll
from commerce.activities.questions import ANSWERED_MAX, LISTED_MAX, Question, answered, listed
from commerce.activities.texts import key_of, text_of
from commerce.errors import InvalidField

NOW_MS = 1_000_000


def test_a_poll_is_open_until_its_end_and_shown_a_minute_longer() -> None:
    poll = new_poll("p", "demo", "Fish?", ["yes", "no"], 60, NOW_MS)
    assert poll.is_open(NOW_MS) and poll.is_open(NOW_MS + 59_999)
    assert not poll.is_open(NOW_MS + 60_000)
    assert poll.is_shown(NOW_MS + 60_000 + SHOWN_AFTER_MS - 1)
    assert not poll.is_shown(NOW_MS + 60_000 + SHOWN_AFTER_MS)


@pytest.mark.parametrize(
    ("question", "options", "duration_s", "member"),
    [
        ("Fish?", ["yes"], 60, "options"),
        ("Fish?", ["yes", " yes "], 60, "options"),
        ("Fish?", ["yes", ""], 60, "options.1"),
        ("Fish?", ["yes", "n" * 21], 60, "options.1"),
        ("\u200b", ["yes", "no"], 60, "question"),
        ("Fish?", ["yes", "no"], 5, "duration_s"),
    ],
)
def test_a_poll_that_cannot_be_names_the_field(
    question: str, options: list[str], duration_s: int, member: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        new_poll("p", "demo", question, options, duration_s, NOW_MS)
    assert refused.value.member == member


def test_the_same_question_has_one_key() -> None:
    assert key_of("辣吗?") == key_of(" 辣 吗?! ")
    assert key_of("IS it hot") == key_of("is it hot?")
    assert key_of("???") == "???"


@given(st.text(max_size=60))
def test_a_text_is_clean_or_refused(typed: str) -> None:
    try:
        text = text_of(typed, 40, "text")
    except InvalidField:
        return
    assert 0 < len(text) <= 40
    assert text_of(text, 40, "text") == text
    assert "\n" not in text


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 99)), max_size=40))
def test_unanswered_questions_come_first_by_votes(asked: list[tuple[int, int | None]]) -> None:
    questions = [
        Question(f"q{at:02}", "?", "anna", votes, at, answered)
        for at, (votes, answered) in enumerate(asked)
    ]
    shown = listed(questions)
    assert len(shown) == min(len(questions), LISTED_MAX)
    waiting = [q for q in shown if q.answered_at_ms is None]
    assert list(shown[: len(waiting)]) == waiting
    assert [q.votes for q in waiting] == sorted((q.votes for q in waiting), reverse=True)


def test_a_replay_lists_answers_in_their_order_and_leaves_out_the_least_wanted() -> None:
    asked = [Question(str(n), "?", "Li", n, 0, 1_000 - n) for n in range(ANSWERED_MAX + 2)]
    shown = answered([Question("open", "?", "Li", 500, 0), *asked])
    assert [q.votes for q in shown] == list(range(ANSWERED_MAX + 1, 1, -1))
