"""Notices by SMS for development: written to the log, and kept for who runs the server."""

from collections.abc import Collection

import structlog

from commerce.notices.notices import SMS_KINDS, NoticeKind
from commerce.notices.push import PushAnswer, PushOutcome
from commerce.people.phones import last_four

KEPT_MAX = 100

log = structlog.get_logger()


class LoggedSms:
    """Implements `commerce.notices.sms.SmsMessages`; `answers` are given first."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, NoticeKind, str]] = []
        self.answers: list[PushAnswer] = []

    @property
    def kinds(self) -> Collection[NoticeKind]:
        """See the port."""
        return SMS_KINDS

    async def send_notice(self, phone: str, kind: NoticeKind, about: str) -> PushAnswer:
        """Log the message with the last digits of the number."""
        self.sent = [*self.sent, (phone, kind, about)][-KEPT_MAX:]
        log.warning(
            "no SMS provider is set (LINLI_SMS_URL): a notice is only logged",
            phone=f"…{last_four(phone)}",
            kind=kind.value,
            about=about,
        )
        return self.answers.pop(0) if self.answers else PushAnswer(PushOutcome.SENT)
