"""Notices by SMS: the last way, as each message costs money; for few kinds, and few a day.

A number is kept, sealed, only if its owner has agreed to that (consents.py).
"""

from collections.abc import Collection
from typing import Protocol

from commerce.notices.notices import NoticeKind
from commerce.notices.push import PushAnswer

SMS_PER_DAY_MAX = 3  # to one number
ABOUT_CHARS_MAX = 20
DAY_MS = 86_400_000
_CHINA_MS = 8 * 3_600_000  # days of numbers begin at midnight in China


class SmsMessages(Protocol):
    """Sends notices by SMS, by templates that the provider has approved."""

    @property
    def kinds(self) -> Collection[NoticeKind]:
        """The kinds that there is a template of."""
        ...

    async def send_notice(self, phone: str, kind: NoticeKind, about: str) -> PushAnswer:
        """Send one message to a number (E.164); LATER: it was not sent for certain."""
        ...


def day_of(at_ms: int) -> int:
    """Return the day of a moment, in China."""
    return (at_ms + _CHINA_MS) // DAY_MS
