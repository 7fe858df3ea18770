"""One-time codes for development: written to the log, and kept for who runs the server."""

import structlog

from commerce.people.phones import CodeNotSent, last_four

KEPT_MAX = 100

log = structlog.get_logger()


class LoggedCodes:
    """Implements `commerce.people.phones.CodeSender`; `failing` refuses as a provider would."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        self.failing = False

    async def send(self, phone: str, code: str) -> None:
        """Log the code with the last digits of the number."""
        if self.failing:
            raise CodeNotSent("failing")
        self.sent[phone] = code
        while len(self.sent) > KEPT_MAX:
            del self.sent[next(iter(self.sent))]
        log.warning(
            "no SMS provider is set (LINLI_SMS_URL): a one-time code is only logged",
            phone=f"…{last_four(phone)}",
            code=code,
        )
