"""Questions of neighbours to a host: the same one twice is a vote for the first."""

from collections.abc import Iterable
from dataclasses import dataclass

QUESTION_CHARS_MAX = 80
LISTED_MAX = 20
"""Questions that a room lists."""
ANSWERED_MAX = 100
"""Answered questions that a replay lists."""
OPEN_PER_HOUSEHOLD_MAX = 3
"""Unanswered questions of one household in a live."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its votes; the household that asked counts as one."""

    id: str
    text: str
    nickname: str
    votes: int
    asked_at_ms: int
    answered_at_ms: int | None = None


def listed(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Return what a room lists: unanswered ones first, those with most votes before others.

    Of equal votes the oldest comes first; of answered ones the latest answer.
    """

    def place(question: Question) -> tuple[bool, int, int, str]:
        if question.answered_at_ms is not None:
            return True, -question.answered_at_ms, 0, question.id
        return False, -question.votes, question.asked_at_ms, question.id

    return tuple(sorted(questions, key=place)[:LISTED_MAX])


def answered(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Return what a replay lists: answered questions in the order of their answers.

    Of too many, those with most votes stay.
    """
    done = [question for question in questions if question.answered_at_ms is not None]
    done.sort(key=lambda question: (-question.votes, question.asked_at_ms, question.id))
    return tuple(
        sorted(
            done[:ANSWERED_MAX], key=lambda question: (question.answered_at_ms or 0, question.id)
        )
    )
