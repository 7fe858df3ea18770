"""Notices by SMS: the last way, as each message costs money; for few kinds, and few a day.

A number is kept, sealed, only if its owner has agreed to that (consents.py).
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from commerce.notices.notices import NoticeKind
from commerce.notices.push import PushAnswer

SMS_KINDS = frozenset({NoticeKind.READY, NoticeKind.REFUND})
SMS_PER_DAY_MAX = 3  # to one number
ABOUT_CHARS_MAX = 20
DAY_MS = 86_400_000
_CHINA_MS = 8 * 3_600_000  # days of numbers begin at midnight in China


class Way(StrEnum):
    """How a notice leaves the house."""

    PUSH = "push"
    WECHAT = "wechat"
    SMS = "sms"


class SmsMessages(Protocol):
    """Sends notices by SMS, by templates that the provider has approved."""

    @property
    def kinds(self) -> Collection[NoticeKind]:
        """The kinds that there is a template of."""
        ...

    async def send_notice(self, phone: str, kind: NoticeKind, about: str) -> PushAnswer:
        """Send one message to a number (E.164); LATER: it was not sent for certain."""
        ...


def way_of(
    kind: NoticeKind,
    *,
    has_browser: bool,
    has_grant: bool,
    has_number: bool,
    templates: Collection[NoticeKind],
) -> Way | None:
    """Return how a notice is sent: what costs nothing comes first; None: the page is left."""
    if has_browser:
        return Way.PUSH
    if has_grant:
        return Way.WECHAT
    if has_number and kind in SMS_KINDS and kind in templates:
        return Way.SMS
    return None


def day_of(at_ms: int) -> int:
    """Return the day of a moment, in China."""
    return (at_ms + _CHINA_MS) // DAY_MS
