"""What a room's moderators have set, and what it means for a line: asked once, at acceptance.

`now_ms` is UTC in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rooms.moderation.filters import Verdict, WordFilter

SLOW_S_MAX = 300
REASON_CHARS_MAX = 100


class Ruling(StrEnum):
    """Why a line is not shown at once."""

    MUTED = "muted"
    MEMBERS_ONLY = "members-only"
    SLOW = "slow"
    REFUSED = "refused"
    HELD = "held"


class SanctionKind(StrEnum):
    """What somebody may no longer do: write, or be in the room at all."""

    MUTE = "mute"
    BAN = "ban"


@dataclass(frozen=True, slots=True)
class Sanction:
    """A mute or ban; without an end it holds until it is lifted."""

    id: str
    kind: SanctionKind
    reason: str
    until_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether it has not ended by itself."""
        return self.until_ms is None or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Writer:
    """Who sends a line. Address and device are keys, not the things themselves."""

    subject: str
    address: str = ""
    device: str = ""
    is_member: bool = False
    is_staff: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """All that holds in a room; `sanctions` are by subject, address and device alike."""

    version: int = 0
    slow_s: int = 0
    members_only: bool = False
    filter: WordFilter = field(default_factory=WordFilter)
    moderators: frozenset[str] = frozenset()
    cohosts: frozenset[str] = frozenset()
    sanctions: Mapping[str, tuple[Sanction, ...]] = field(default_factory=dict)

    def exempts(self, writer: Writer) -> bool:
        """Whether nothing below holds for somebody: staff, co-hosts and moderators of the room."""
        return writer.is_staff or writer.subject in self.moderators | self.cohosts

    def sanction(self, writer: Writer, now_ms: int) -> Sanction | None:
        """Return what holds against somebody now: a ban before a mute, the longest before others.

        Staff, co-hosts and moderators of the room have none.
        """
        if not self.sanctions or self.exempts(writer):
            return None
        held = [
            sanction
            for key in (writer.subject, writer.address, writer.device)
            for sanction in self.sanctions.get(key, ())
            if key and sanction.holds(now_ms)
        ]
        return max(held, key=_weight, default=None)

    def rule(self, writer: Writer, text: str, since_last_s: float, now_ms: int) -> Ruling | None:
        """Return why a cleaned line is not shown, or None: it is.

        `since_last_s` is since the writer's line before, in this room.
        """
        if self.exempts(writer):
            return None
        if self.sanction(writer, now_ms) is not None:
            return Ruling.MUTED
        if self.members_only and not writer.is_member:
            return Ruling.MEMBERS_ONLY
        if since_last_s < self.slow_s:
            return Ruling.SLOW
        match self.filter.judge(text):
            case Verdict.REFUSE:
                return Ruling.REFUSED
            case Verdict.HOLD:
                return Ruling.HELD
        return None


def _weight(sanction: Sanction) -> tuple[bool, bool, int]:
    return sanction.kind is SanctionKind.BAN, sanction.until_ms is None, sanction.until_ms or 0
