"""Polls: a host's question with a few options, one vote of each household."""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.activities.texts import text_of
from commerce.errors import InvalidField

OPTIONS_MIN, OPTIONS_MAX = 2, 4
QUESTION_CHARS_MAX = 60
OPTION_CHARS_MAX = 20
DURATION_S_MIN, DURATION_S_MAX = 15, 3_600
SHOWN_AFTER_MS = 60_000
"""The result stays in the room for this long."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll with what was voted so far; `votes` are those of each option."""

    id: str
    room_id: str
    question: str
    options: tuple[str, ...]
    votes: tuple[int, ...]
    opened_at_ms: int
    closes_at_ms: int

    def is_open(self, now_ms: int) -> bool:
        """Whether a vote counts now; the end itself is too late."""
        return self.opened_at_ms <= now_ms < self.closes_at_ms

    def is_shown(self, now_ms: int) -> bool:
        """Whether the room still shows it."""
        return now_ms < self.closes_at_ms + SHOWN_AFTER_MS


def new_poll(
    id: str, room_id: str, question: str, options: Sequence[str], duration_s: int, now_ms: int
) -> Poll:
    """Return a poll that opens now.

    Raises:
        InvalidField: The question, an option, their number or the duration cannot be.
    """
    if not OPTIONS_MIN <= len(options) <= OPTIONS_MAX:
        raise InvalidField("options", f"{OPTIONS_MIN} to {OPTIONS_MAX} options")
    if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
        raise InvalidField("duration_s", f"{DURATION_S_MIN} to {DURATION_S_MAX} seconds")
    clean = tuple(
        text_of(option, OPTION_CHARS_MAX, f"options.{at}") for at, option in enumerate(options)
    )
    if len(set(clean)) < len(clean):
        raise InvalidField("options", "two options are the same")
    return Poll(
        id,
        room_id,
        text_of(question, QUESTION_CHARS_MAX, "question"),
        clean,
        (0,) * len(clean),
        now_ms,
        now_ms + duration_s * 1_000,
    )
