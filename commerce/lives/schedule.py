"""Scheduled lives: when the next one begins, what it is about, and which goods it shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from commerce.activities.texts import text_of
from commerce.errors import InvalidField

MINUTE_MS = 60_000
TITLE_CHARS_MAX = 30
TEASER_CHARS_MAX = 100
GOODS_MAX = 6
UPCOMING_MAX = 20
"""So many lives of a room are scheduled at a time."""
SHOWN_MAX = 3
"""So many of them a room shows."""
AHEAD_MS_MAX = 90 * 24 * 60 * MINUTE_MS
EARLY_MS = 30 * MINUTE_MS
"""A live that begins this much before a scheduled time is the scheduled one."""
LATE_MS = 60 * MINUTE_MS
"""A live that has not begun this long after its time is no longer expected."""
REMIND_BEFORE_MS = 5 * MINUTE_MS
"""Those who want it are reminded this much before a live."""
REMIND_UNTIL_MS = 10 * MINUTE_MS
"""A reminder that was not posted this long after the time of the live comes no more."""


@dataclass(frozen=True, slots=True)
class ScheduledLive:
    """A live that a room is going to have; `teaser` may be empty."""

    id: str
    room_id: str
    title: str
    teaser: str
    product_ids: tuple[str, ...]
    starts_at_ms: int

    def is_expected(self, now_ms: int) -> bool:
        """Whether it may still begin."""
        return now_ms < self.starts_at_ms + LATE_MS


def scheduled_live(
    id: str,
    room_id: str,
    title: str,
    teaser: str,
    product_ids: Sequence[str],
    starts_at_ms: int,
    *,
    now_ms: int,
) -> ScheduledLive:
    """Return a scheduled live.

    Raises:
        InvalidField: It would begin in the past or too far ahead, or a text or the goods cannot be.
    """
    if not now_ms < starts_at_ms <= now_ms + AHEAD_MS_MAX:
        raise InvalidField("starts_at_ms", "within the next 90 days")
    if len(product_ids) > GOODS_MAX:
        raise InvalidField("product_ids", f"at most {GOODS_MAX}")
    if len(set(product_ids)) < len(product_ids):
        raise InvalidField("product_ids", "the same product twice")
    about = text_of(teaser, TEASER_CHARS_MAX, "teaser") if teaser.strip() else ""
    name = text_of(title, TITLE_CHARS_MAX, "title")
    return ScheduledLive(id, room_id, name, about, tuple(product_ids), starts_at_ms)


def moved_live(live: ScheduledLive, starts_at_ms: int, *, now_ms: int) -> ScheduledLive:
    """Return the live at another time.

    Raises:
        InvalidField: It would begin in the past or too far ahead.
    """
    if not now_ms < starts_at_ms <= now_ms + AHEAD_MS_MAX:
        raise InvalidField("starts_at_ms", "within the next 90 days")
    return replace(live, starts_at_ms=starts_at_ms)


def conflicting(lives: Sequence[ScheduledLive]) -> set[str]:
    """Return the ids of lives that another one of the same room is too near to.

    A live that begins then could be either of them.
    """
    found: set[str] = set()
    by_time = sorted(lives, key=lambda live: (live.room_id, live.starts_at_ms))
    for one, next_one in pairwise(by_time):
        near = next_one.starts_at_ms - one.starts_at_ms < LATE_MS
        if one.room_id == next_one.room_id and near:
            found |= {one.id, next_one.id}
    return found


def shown_lives(scheduled: Iterable[ScheduledLive], *, now_ms: int) -> list[ScheduledLive]:
    """Return what a room shows of its schedule, the next live first."""
    expected = [live for live in scheduled if live.is_expected(now_ms)]
    return sorted(expected, key=lambda live: (live.starts_at_ms, live.id))[:SHOWN_MAX]


def begun_live(scheduled: Iterable[ScheduledLive], *, started_at_ms: int) -> ScheduledLive | None:
    """Return the scheduled live that a live is which begins now, the nearest in time."""
    near = [live for live in scheduled if -EARLY_MS <= started_at_ms - live.starts_at_ms < LATE_MS]
    return min(
        near, key=lambda live: (abs(started_at_ms - live.starts_at_ms), live.id), default=None
    )
