"""What moderators of a room set, and the lines and people that they act on: values and limits.

Times are UTC in milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum

WORDS_MAX = 500
MODERATORS_MAX = 20
SLOW_S_MAX = 300
REASON_CHARS_MAX = 100
APPEAL_CHARS_MAX = 200
COHOSTS_MAX = 3
"""Of a room: who has accepted, and invitations that wait."""
INVITATION_MS_MAX = 24 * 3_600_000
"""An invitation that nobody has accepted by then holds no more."""
HELD_MAX = 200
"""Lines of a room that wait for review; more are refused."""
REPORTED_MAX = 200
LINES_REMOVED_MAX = 50
SENDERS_REMOVED_MAX = 20
SANCTIONS_LISTED_MAX = 100
MUTE_S_MAX = 30 * 86_400


class SanctionKind(StrEnum):
    """What somebody may no longer do: write, or be in the room at all."""

    MUTE = "mute"
    BAN = "ban"


class FlagKind(StrEnum):
    """Why a line is listed: a filter held it, or neighbours reported it."""

    HELD = "held"
    REPORTED = "reported"


class FlagDecision(StrEnum):
    """What moderators made of a listed line."""

    SHOWN = "shown"
    REMOVED = "removed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Word:
    """A listed word or pattern; `verdict` is "hold" or "refuse"."""

    text: str
    verdict: str
    syllables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moderator:
    """Somebody whom the host has made a moderator of the room."""

    subject: str
    nickname: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Cohost:
    """An invitation to help the host of a room; `staff_id` is null until somebody accepts it."""

    id: str
    invited_at_ms: int
    staff_id: str | None = None
    nickname: str = ""
    accepted_at_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether it was accepted, or may be."""
        return self.staff_id is not None or now_ms < self.invited_at_ms + INVITATION_MS_MAX


@dataclass(frozen=True, slots=True)
class Sanction:
    """A mute or ban; `address` and `device` are keys of those it is extended to, or empty."""

    id: str
    room_id: str
    kind: SanctionKind
    subject: str
    nickname: str
    reason: str
    made_at_ms: int
    until_ms: int | None = None
    address: str = ""
    device: str = ""
    made_by: str = ""
    appeal: str | None = None
    appeal_answered_at_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether it has not ended by itself."""
        return self.until_ms is None or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class RemovedSender:
    """All lines of this sender until then are removed."""

    id: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What everybody in the room is shown of its order."""

    version: int = 0
    slow_s: int = 0
    members_only: bool = False
    removed_lines: tuple[str, ...] = ()
    removed_senders: tuple[RemovedSender, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """All that a worker needs to judge lines of a room; `cohosts` are ids of staff."""

    shown: Shown = Shown()
    words: tuple[Word, ...] = ()
    moderators: tuple[Moderator, ...] = ()
    cohosts: tuple[str, ...] = ()
    sanctions: tuple[Sanction, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of chat, as it was written."""

    id: str
    sender_id: str
    nickname: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class FlaggedLine:
    """A line that waits for a decision, or had one."""

    id: str
    room_id: str
    kind: FlagKind
    line: Line
    reports: int = 0
    decision: FlagDecision | None = None
    decided_at_ms: int | None = None
