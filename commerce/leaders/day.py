"""Days of an estate, in its own time zone. Times in UTC milliseconds."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def day_begins_ms(time_zone: str, *, now_ms: int) -> int:
    """Return when the day that `now_ms` is in began there."""
    there = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(ZoneInfo(time_zone))
    return int(there.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000
