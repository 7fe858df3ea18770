"""Times as payment providers in China write them: of UTC+8, where no date has another offset."""

from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
_SPACED = "%Y-%m-%d %H:%M:%S"


def rfc3339(at_ms: int) -> str:
    """Return a time with seconds and offset, as WeChat Pay takes it."""
    return datetime.fromtimestamp(at_ms // 1_000, BEIJING).isoformat()


def ms_of_rfc3339(text: str) -> int:
    """Return the time of a text.

    Raises:
        ValueError: It is none, or has no offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return _ms(at)


def spaced(at_ms: int) -> str:
    """Return a time such as `2026-11-29 18:00:05`, as Alipay takes it."""
    return datetime.fromtimestamp(at_ms // 1_000, BEIJING).strftime(_SPACED)


def ms_of_spaced(text: str) -> int:
    """Return the time of a text.

    Raises:
        ValueError: It is none.
    """
    return _ms(datetime.strptime(text, _SPACED).replace(tzinfo=BEIJING))


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
