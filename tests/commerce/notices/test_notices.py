"""Notices come when they may, and not twice."""

from datetime import UTC, datetime

import pytest

from commerce.notices.notices import MINUTE_MS, NoticeKind, due_at_ms, is_repeat


def at(hour: int, minute: int = 0, day: int = 1) -> int:
    """A moment of UTC."""
    return int(datetime(2026, 3, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("now_ms", "due_ms"),
    [
        (at(13, 59), at(13, 59)),  # 21:59 in Shanghai
        (at(14), at(0, day=2)),  # 22:00 waits for 08:00
        (at(20), at(0, day=2)),  # 04:00
        (at(0), at(0)),  # 08:00
    ],
)
def test_notice_waits_for_the_morning_of_the_estate(now_ms: int, due_ms: int) -> None:
    assert due_at_ms("Asia/Shanghai", now_ms=now_ms) == due_ms


def test_reminder_comes_again_after_half_an_hour_only() -> None:
    assert not is_repeat(NoticeKind.REMINDER, None, now_ms=0)
    assert is_repeat(NoticeKind.REMINDER, 0, now_ms=29 * MINUTE_MS)
    assert not is_repeat(NoticeKind.REMINDER, 0, now_ms=30 * MINUTE_MS)
