"""Whom messages may be pushed to, and when they are tried again."""

import base64

import pytest

from commerce.errors import InvalidField
from commerce.notices.notices import NoticeKind, Preferences, due_at_ms
from commerce.notices.push import (
    RETRY_MS_MAX,
    TRIES_MAX,
    message_of,
    next_try_ms,
    subscription,
)

POINT = base64.urlsafe_b64encode(b"\x04" + b"\x11" * 64).decode()
AUTH = base64.urlsafe_b64encode(b"\x22" * 16).decode()
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "http://127.0.0.1:9000/abc",
    ],
)
def test_browsers_of_known_services_may_subscribe(endpoint: str) -> None:
    browser = subscription(endpoint, POINT, AUTH, "zh", ["http://127.0.0.1:9000"])
    assert len(browser.id) == 64 and "=" not in browser.p256dh + browser.auth


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/abc",
        "https://fcm.googleapis.com:8443/abc",
        "https://fcm.googleapis.com@127.0.0.1/abc",
        "https://user:word@fcm.googleapis.com/abc",
        "https://evil-push.apple.com.example/abc",
        "https://push.apple.com.example/abc",
        "https://127.0.0.1/abc",
        "https://[::1/abc",
        "https://fcm.googleapis.com:port/abc",
        "ftp://fcm.googleapis.com/abc",
        "",
    ],
)
def test_messages_are_posted_to_no_other_host(endpoint: str) -> None:
    with pytest.raises(InvalidField) as refused:
        subscription(endpoint, POINT, AUTH, "zh")
    assert refused.value.member == "endpoint"


@pytest.mark.parametrize(
    ("p256dh", "auth", "member"),
    [
        ("AAAA", AUTH, "p256dh"),
        ("é", AUTH, "p256dh"),
        (POINT, "AAAA", "auth"),
        (POINT, "?", "auth"),
    ],
)
def test_keys_are_a_point_and_16_bytes(p256dh: str, auth: str, member: str) -> None:
    with pytest.raises(InvalidField) as refused:
        subscription("https://fcm.googleapis.com/abc", p256dh, auth, "zh")
    assert refused.value.member == member


def test_tries_are_few_and_further_apart() -> None:
    waits = [next_try_ms(tries, 0, now_ms=0) for tries in range(1, TRIES_MAX + 1)]
    assert waits == [10_000, 40_000, 160_000, 640_000, None]
    assert next_try_ms(1, 60, now_ms=5) == 60_005
    assert next_try_ms(1, 10**6, now_ms=0) == RETRY_MS_MAX


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_each_kind_has_words(kind: NoticeKind, language: str) -> None:
    message = message_of(kind, language, "春江店", "/me", "o1")
    assert message.title and "春江店" in message.body and message.tag == f"{kind}:o1"


def test_chosen_quiet_hours_are_those_of_the_estate_and_may_be_none() -> None:
    one_utc = 1_767_229_200_000  # 09:00 in Shanghai
    noon = Preferences(quiet_from_hour=9, quiet_until_hour=12)
    assert due_at_ms("Asia/Shanghai", now_ms=one_utc, preferences=noon) == one_utc + 3 * HOUR_MS
    none = Preferences(quiet_from_hour=9, quiet_until_hour=9)
    assert due_at_ms("Asia/Shanghai", now_ms=one_utc, preferences=none) == one_utc
