"""Notices to buyers: what they are about, when they may come, how often, and where.

One notice is a row for the page, which shows it the next time that it is open, and a row for the
message that comes at once, by the first of the channels that the buyer has and wants it by.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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
    SPLIT = "split"


class NoticeChannel(StrEnum):
    """Where a notice comes. A message that waits has the channel `PUSH`, whichever it comes by."""

    PAGE = "page"
    PUSH = "push"
    WECHAT = "wechat"
    SMS = "sms"


# The channels of messages in the order in which they are tried: what costs nothing comes first.
FALLBACK_ORDER = (NoticeChannel.PUSH, NoticeChannel.WECHAT, NoticeChannel.SMS)

# SMS costs money: few kinds come by it.
SMS_KINDS = frozenset({NoticeKind.READY, NoticeKind.REFUND})


class NoticeState(StrEnum):
    """How far a notice has come."""

    WAITING = "waiting"
    SENT = "sent"
    SEEN = "seen"
    FAILED = "failed"


# Of no use after the night, or about a tap or payment of minutes ago: these come in quiet hours.
TIMELY = frozenset(
    {
        NoticeKind.LIVE,
        NoticeKind.MOVED,
        NoticeKind.OUT,
        NoticeKind.SUBSTITUTION,
        NoticeKind.UNPAID,
        NoticeKind.LATE_PAID,
        NoticeKind.LATE_REFUND,
        NoticeKind.SPLIT,
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
    NoticeKind.SPLIT: 24 * 60 * MINUTE_MS,
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
    """Which messages a guest wants: of no `muted` kinds, and none in quiet hours of the day.

    `muted_by` has the kinds that a channel does not bring, while others may. Quiet hours that
    begin when they end are none.
    """

    muted: frozenset[NoticeKind] = frozenset()
    quiet_from_hour: int = QUIET_FROM_HOUR
    quiet_until_hour: int = QUIET_UNTIL_HOUR
    muted_by: Mapping[NoticeChannel, frozenset[NoticeKind]] = field(default_factory=dict)

    def wants(self, kind: NoticeKind, channel: NoticeChannel) -> bool:
        """Whether a channel may bring a kind."""
        return kind not in self.muted and kind not in self.muted_by.get(channel, ())


DEFAULT_PREFERENCES = Preferences()


def carried(channel: NoticeChannel, templates: Collection[NoticeKind]) -> frozenset[NoticeKind]:
    """Return the kinds that a channel brings; SMS those of `templates` that may cost money."""
    if channel is NoticeChannel.SMS:
        return SMS_KINDS.intersection(templates)
    return frozenset(NoticeKind)


def channel_of(
    kind: NoticeKind,
    has: Collection[NoticeChannel],
    templates: Collection[NoticeKind],
    preferences: Preferences,
) -> NoticeChannel | None:
    """Return the channel by which a message comes to a guest who has these; None: the page is left.

    It is the first one that brings the kind and that the guest wants it by.
    """
    for channel in FALLBACK_ORDER:
        if channel in has and kind in carried(channel, templates):
            if preferences.wants(kind, channel):
                return channel
    return None


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
