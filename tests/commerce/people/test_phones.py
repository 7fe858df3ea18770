"""Phone numbers as people type them, and the life of a one-time code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.people.phones import (
    CODE_TRIES_MAX,
    BadPhone,
    CodeAnswer,
    PhoneCode,
    PhoneKeys,
    code_of,
    judge,
    last_four,
    phone_of,
)


@pytest.mark.parametrize(
    "typed",
    [
        "13800001234",
        "138 0000 1234",
        "+86 138-0000-1234",
        "8613800001234",
        "008613800001234",
        "１３８００００１２３４",
    ],
)
def test_a_mainland_number_is_the_same_however_it_is_typed(typed: str) -> None:
    assert phone_of(typed) == "+8613800001234"


def test_a_number_of_another_country_needs_its_country() -> None:
    assert phone_of("+44 7700 900123") == "+447700900123"
    for typed in ("07700 900123", "+0 7700 900123", "+86 10 1234 5678", "110", "", "phone"):
        with pytest.raises(BadPhone):
            phone_of(typed)


@given(st.text(max_size=64))
def test_any_text_is_a_number_or_refused(typed: str) -> None:
    try:
        phone = phone_of(typed)
    except BadPhone:
        return
    assert phone_of(phone) == phone
    assert last_four(phone).isascii() and last_four(phone).isdecimal()


def test_a_code_has_six_digits() -> None:
    assert (code_of(7), code_of(999_999)) == ("000007", "999999")


def test_a_code_is_good_until_it_expires() -> None:
    sent = PhoneCode("hash", expires_at_ms=1_000)
    assert judge(sent, "hash", now_ms=999) is CodeAnswer.GOOD
    assert judge(sent, "hash", now_ms=1_000) is CodeAnswer.EXPIRED
    assert judge(None, "hash", now_ms=0) is CodeAnswer.EXPIRED


def test_a_code_ends_with_its_last_wrong_try() -> None:
    last = PhoneCode("hash", 1_000, tries=CODE_TRIES_MAX - 1)
    assert judge(last, "other", now_ms=0) is CodeAnswer.WRONG
    assert judge(last, "hash", now_ms=0) is CodeAnswer.GOOD
    used_up = PhoneCode("hash", 1_000, tries=CODE_TRIES_MAX)
    assert judge(used_up, "hash", now_ms=0) is CodeAnswer.EXPIRED


def test_hashes_differ_by_secret_brand_guest_and_number() -> None:
    keys, others = PhoneKeys("s" * 32), PhoneKeys("t" * 32)
    phone = "+8613800001234"
    phones = {keys.phone("a", phone), keys.phone("b", phone), others.phone("a", phone)}
    assert len(phones) == 3
    codes = {keys.code("g", "p", "1"), keys.code("h", "p", "1"), keys.code("g", "q", "1")}
    assert len(codes) == 3
    assert keys.phone("a", phone) == PhoneKeys("s" * 32).phone("a", phone)
