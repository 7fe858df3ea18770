"""How far a notice has come: of all its copies, the one that came furthest."""

from collections.abc import Iterable

from commerce.notices.notices import NoticeChannel, NoticeState

Copy = tuple[NoticeChannel, NoticeState]
"""A notice of one of the household, on one channel."""


def furthest(copies: Iterable[Copy]) -> Copy:
    """Return the copy by which a household is most likely to know; one at least is given.

    A page shows a notice when it is opened, so that one which waits there has gone nowhere yet:
    less is known of it than of a message that failed.
    """
    return max(copies, key=_reach)


def _reach(copy: Copy) -> int:
    channel, state = copy
    match state:
        case NoticeState.SEEN:
            return 4
        case NoticeState.SENT:
            return 3
        case NoticeState.FAILED:
            return 1
        case NoticeState.WAITING:
            return 0 if channel is NoticeChannel.PAGE else 2
