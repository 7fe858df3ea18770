"""Notices come when they may, not twice, and by the first channel that the guest wants them by."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.notices.notices import (
    DEFAULT_PREFERENCES,
    FALLBACK_ORDER,
    MINUTE_MS,
    SMS_KINDS,
    NoticeChannel,
    NoticeKind,
    Preferences,
    channel_of,
    due_at_ms,
    is_repeat,
)

kinds = st.frozensets(st.sampled_from(NoticeKind))
channels = st.frozensets(st.sampled_from(FALLBACK_ORDER))


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


@given(kinds, st.dictionaries(st.sampled_from(FALLBACK_ORDER), kinds), channels, kinds)
def test_a_message_comes_by_the_first_channel_that_brings_it_and_is_wanted(
    muted: frozenset[NoticeKind],
    muted_by: Mapping[NoticeChannel, frozenset[NoticeKind]],
    has: Collection[NoticeChannel],
    templates: Collection[NoticeKind],
) -> None:
    wanted = Preferences(muted=muted, muted_by=muted_by)
    for kind in NoticeKind:
        may = [
            channel
            for channel in (NoticeChannel.PUSH, NoticeChannel.WECHAT, NoticeChannel.SMS)
            if channel in has
            and kind not in muted
            and kind not in muted_by.get(channel, frozenset())
            and (channel is not NoticeChannel.SMS or (kind in SMS_KINDS and kind in templates))
        ]
        assert channel_of(kind, has, templates, wanted) == (may[0] if may else None)


def test_a_kind_muted_by_one_channel_comes_by_the_next() -> None:
    ready, refund, live = NoticeKind.READY, NoticeKind.REFUND, NoticeKind.LIVE
    push, sms = NoticeChannel.PUSH, NoticeChannel.SMS
    wanted = Preferences(muted_by={push: frozenset({ready, live}), sms: frozenset({refund})})
    found = [channel_of(kind, {push, sms}, SMS_KINDS, wanted) for kind in (ready, refund, live)]
    assert found == [sms, push, None]
    assert channel_of(refund, {sms}, SMS_KINDS, wanted) is None
    assert channel_of(refund, {sms}, SMS_KINDS, DEFAULT_PREFERENCES) is sms
