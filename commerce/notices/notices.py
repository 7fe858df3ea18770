"""Notices to buyers: what they are about, when they may come, and how often.

One notice is a row per person and channel. Channels of a person differ in loudness, not in what
they say: a page shows it the next time that it is open, a push message comes at once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

QUIET_FROM_HOUR = 22
QUIET_UNTIL_HOUR = 8
MINUTE_MS = 60_000


class NoticeKind(StrEnum):
    """What a notice is about; its subject is a household, an order or a scheduled live."""

    READY = "ready"
    OUT = "out"
    MOVED = "moved"
    REMINDER = "reminder"
    REFUND = "refund"
    SUBSTITUTION = "substitution"
    LIVE = "live"
    UNPAID = "unpaid"
    LATE_PAID = "late_paid"
    LATE_REFUND = "late_refund"
    CANCELLED = "cancelled"


class NoticeChannel(StrEnum):
    """Where a notice comes."""

    PAGE = "page"
    PUSH = "push"
    SMS = "sms"  # a push message that came by SMS in the end


class NoticeState(StrEnum):
    """How far a notice has come."""

    WAITING = "waiting"
    SENT = "sent"
    SEEN = "seen"
    FAILED = "failed"


# Of no use after the night, or about a payment of minutes ago: these come in quiet hours, too.
TIMELY = frozenset(
    {
        NoticeKind.LIVE,
        NoticeKind.MOVED,
        NoticeKind.OUT,
        NoticeKind.SUBSTITUTION,
        NoticeKind.UNPAID,
        NoticeKind.LATE_PAID,
        NoticeKind.LATE_REFUND,
    }
)

# The same notice about the same subject comes no sooner than this after the last one.
REPEAT_MS = {
    NoticeKind.READY: 10 * MINUTE_MS,
    NoticeKind.OUT: 10 * MINUTE_MS,
    NoticeKind.MOVED: 1 * MINUTE_MS,
    NoticeKind.REMINDER: 30 * MINUTE_MS,
    NoticeKind.REFUND: 10 * MINUTE_MS,
    NoticeKind.SUBSTITUTION: 1 * MINUTE_MS,
    NoticeKind.LIVE: 24 * 60 * MINUTE_MS,
    NoticeKind.UNPAID: 24 * 60 * MINUTE_MS,
    NoticeKind.LATE_PAID: 24 * 60 * MINUTE_MS,
    NoticeKind.LATE_REFUND: 24 * 60 * MINUTE_MS,
    NoticeKind.CANCELLED: 24 * 60 * MINUTE_MS,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """To whom, about what, from whom; `due_at_ms` is not within quiet hours."""

    guest_id: str
    kind: NoticeKind
    subject: str
    made_by: str
    made_at_ms: int
    due_at_ms: int


def is_repeat(kind: NoticeKind, last_ms: int | None, *, now_ms: int) -> bool:
    """Whether a notice like the one made at `last_ms` would come too soon."""
    return last_ms is not None and now_ms - last_ms < REPEAT_MS[kind]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a guest wants pushed: no `muted` kinds, and nothing in quiet hours of the day.

    Quiet hours that begin when they end are none.
    """

    muted: frozenset[NoticeKind] = frozenset()
    quiet_from_hour: int = QUIET_FROM_HOUR
    quiet_until_hour: int = QUIET_UNTIL_HOUR


DEFAULT_PREFERENCES = Preferences()


def due_at_ms(
    time_zone: str, *, now_ms: int, preferences: Preferences = DEFAULT_PREFERENCES
) -> int:
    """Return when a notice may come: now, or at the end of the quiet hours there."""
    begin, end = preferences.quiet_from_hour, preferences.quiet_until_hour
    there = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(ZoneInfo(time_zone))
    is_quiet = begin <= there.hour < end if begin <= end else not end <= there.hour < begin
    if not is_quiet:
        return now_ms
    morning = there.replace(hour=end, minute=0, second=0, microsecond=0)
    if there.hour >= end:
        morning += timedelta(days=1)
    return int(morning.timestamp()) * 1_000
