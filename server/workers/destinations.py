"""Which worker a request is for, by its method and path: a rule.

What belongs to a session is for the worker whose id the session's id begins with; what needs the
media of a live is for the worker that has the live. All else is answered wherever it lands.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Ask(Enum):
    """What a request is about."""

    SESSION = auto()  # a WHIP or WHEP session
    PUBLISH = auto()  # a host's offer
    PLAY = auto()  # a viewer's offer
    LIVE = auto()  # what the worker with the live knows


@dataclass(frozen=True, slots=True)
class Destination:
    """The worker that has a session, or the one that has the live of a room."""

    ask: Ask
    room_id: str
    worker_id: str = ""


_ROOM = r"(?P<room>[A-Za-z0-9][A-Za-z0-9_.:-]{0,63})"
_SESSION = re.compile(
    rf"/live/{_ROOM}/(?:whip|whep)/(?P<worker>[0-9a-f]{{8}})[\w-]{{32}}(?:/[a-z]+)?"
)
_PUBLISH = re.compile(rf"/live/{_ROOM}/whip")
_PLAY = re.compile(rf"/live/{_ROOM}/whep")
# A room's name may end like a file's: the longest name before ".flv".
_READ = re.compile(rf"/live/{_ROOM}(?:\.flv|/thumbnail\.jpg|/hls/.+|/replay/.+|/clips/.+)")
_STATS = re.compile(rf"/api/lives/{_ROOM}/stats")
_ROOM_COMMANDS = re.compile(
    rf"/api/rooms/{_ROOM}/(?:pins/[^/]+|explain|recording|restream|end|rehearsal)"
)


def destination(method: str, path: str) -> Destination | None:
    """Return for whom a request is; None: whoever got it."""
    if method == "OPTIONS" or not path.startswith(("/live/", "/api/lives/", "/api/rooms/")):
        return None
    if match := _SESSION.fullmatch(path):
        return Destination(Ask.SESSION, match["room"], match["worker"])
    if method == "POST" and (match := _PUBLISH.fullmatch(path)):
        return Destination(Ask.PUBLISH, match["room"])
    if method == "POST" and (match := _PLAY.fullmatch(path)):
        return Destination(Ask.PLAY, match["room"])
    for pattern in (_READ, _STATS, _ROOM_COMMANDS):
        if match := pattern.fullmatch(path):
            return Destination(Ask.LIVE, match["room"])
    return None
