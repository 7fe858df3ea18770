"""What is refused where a room does something together."""

from commerce.errors import CommerceError


class DrawOpen(CommerceError):
    """The room has a draw that is not revealed yet."""


class DrawClosed(CommerceError):
    """The draw takes no more entries, or has its list closed."""


class DrawFull(CommerceError):
    """The draw has as many entries as it takes."""


class OtherEstate(CommerceError):
    """The draw is for another estate."""


class WrongWord(CommerceError):
    """The comment is not the word of the draw's task, which is `word`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class NotEntered(CommerceError):
    """The household has no entry in the draw."""


class PollOpen(CommerceError):
    """The room has a poll that is still open."""


class FlashOpen(CommerceError):
    """The room has a flash sale that has not ended."""


class FlashClosed(CommerceError):
    """The flash sale is over."""


class WaitingFull(CommerceError):
    """So many households wait for a unit that no more may."""


class PollClosed(CommerceError):
    """The poll is over."""


class NotLive(CommerceError):
    """Questions are put to a live, and there is none."""


class TooManyCohosts(CommerceError):
    """The room has that many co-hosts and invitations."""


class TooManyQuestions(CommerceError):
    """The household has that many unanswered questions in this live."""
