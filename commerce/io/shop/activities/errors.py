"""What is refused where a room does something together."""

from commerce.errors import CommerceError


class PollOpen(CommerceError):
    """The room has a poll that is still open."""


class PollClosed(CommerceError):
    """The poll is over."""


class NotLive(CommerceError):
    """Questions are put to a live, and there is none."""


class TooManyQuestions(CommerceError):
    """The household has that many unanswered questions in this live."""
