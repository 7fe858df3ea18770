"""Phone numbers, and the one-time codes by which somebody proves to have one.

A number is E.164 (`+8613800000000`). The record keeps a keyed hash of it and its last four digits,
never the number, unless its owner wants notices by SMS (notices/sms.py); of a code it keeps a
keyed hash, too. Times in UTC milliseconds.

BadPhone        a text that is no phone number
WrongCode       a code that is not the one that was sent
CodeExpired     no code waits any more: too old, tried too often, or never sent
CodeNotSent     the provider did not take the message
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from commerce.errors import CommerceError

CODE_DIGITS = 6
CODE_TTL_MS = 5 * 60_000
CODE_TRIES_MAX = 5
LAST_DIGITS = 4

_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015\uff0d]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_WIDE = {ord("\uff10") + digit: ord("0") + digit for digit in range(10)} | {ord("\uff0b"): ord("+")}


class BadPhone(CommerceError):
    """A text that is no phone number."""


class WrongCode(CommerceError):
    """A code that is not the one that was sent; `tries_left` more may be tried."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(tries_left)
        self.tries_left = tries_left


class CodeExpired(CommerceError):
    """No code waits any more."""


class CodeNotSent(CommerceError):
    """The provider did not take the message; `reason` is its own word for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CodeSender(Protocol):
    """Brings one-time codes to phones."""

    async def send(self, phone: str, code: str) -> None:
        """Send `code` to `phone` (E.164) at most once.

        Raises:
            CodeNotSent: The provider refuses, or does not answer in time.
        """


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A code that was sent and waits to be typed."""

    code_hash: str
    expires_at_ms: int
    tries: int = 0


class CodeAnswer(StrEnum):
    """What becomes of a code that was typed."""

    GOOD = "good"
    WRONG = "wrong"
    EXPIRED = "expired"


class PhoneKeys:
    """Keyed hashes (HMAC-SHA-256): whoever reads the record cannot try all numbers or codes."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"phones:{secret}".encode()).digest()

    def phone(self, brand_id: str, phone: str) -> str:
        """Return the hash by which a brand knows a number."""
        return self._mac("phone", brand_id, phone)

    def code(self, guest_id: str, phone_hash: str, code: str) -> str:
        """Return the hash of a code, which is good for one guest and one number."""
        return self._mac("code", guest_id, phone_hash, code)

    def _mac(self, *parts: str) -> str:
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def phone_of(typed: str) -> str:
    """Return what was typed as E.164; without a country it is a mobile number of mainland China.

    Raises:
        BadPhone: It is no phone number.
    """
    text = _SEPARATORS.sub("", typed.translate(_WIDE))
    mainland = _MAINLAND.fullmatch(text)
    if mainland:
        return f"+86{mainland[1]}"
    if not _E164.fullmatch(text) or text.startswith("+86"):
        raise BadPhone
    return text


def last_four(phone: str) -> str:
    """Return the digits by which people recognise a number."""
    return phone[-LAST_DIGITS:]


def code_of(drawn: int) -> str:
    """Return a number below `10 ** CODE_DIGITS` as a code."""
    assert 0 <= drawn < 10**CODE_DIGITS
    return f"{drawn:0{CODE_DIGITS}}"


def judge(sent: PhoneCode | None, typed_hash: str, *, now_ms: int) -> CodeAnswer:
    """Decide on one try; the caller counts every answer that is `WRONG` in `sent.tries`."""
    if sent is None or now_ms >= sent.expires_at_ms or sent.tries >= CODE_TRIES_MAX:
        return CodeAnswer.EXPIRED
    good = hmac.compare_digest(sent.code_hash, typed_hash)
    return CodeAnswer.GOOD if good else CodeAnswer.WRONG
