"""When a store is open: seven entries from Monday to Sunday, `07:30-21:00` or empty for closed.

In the record they are one text, joined by commas; an empty text says nothing about any day.
"""

import re
from collections.abc import Sequence

from commerce.errors import InvalidField

DAYS = 7
_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(?:([01]\d|2[0-3]):[0-5]\d|24:00)")


def joined(days: Sequence[str]) -> str:
    """Return the text of seven days, or of none.

    Raises:
        InvalidField: A day is not a time from … to, or there are not seven of them.
    """
    if len(days) not in (0, DAYS):
        raise InvalidField("opening_hours", "Seven days from Monday, or none.")
    for at, span in enumerate(days):
        opens, _, closes = span.partition("-")
        # Within a day, times sort as they read.
        if span and not (_SPAN.fullmatch(span) and opens < closes):
            raise InvalidField(f"opening_hours.{at}", "Such as 07:30-21:00; empty for closed.")
    return ",".join(days)


def split(text: str) -> tuple[str, ...]:
    """Return the seven days of a text of the record, or none."""
    return tuple(text.split(",")) if text else ()
