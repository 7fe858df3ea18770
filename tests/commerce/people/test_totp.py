"""Codes of authenticator apps by the vectors of RFC 6238, each good once, and recovery codes."""

from urllib.parse import parse_qs, urlsplit

import pytest

from commerce.people.totp import (
    RECOVERY_BYTES,
    base32,
    code_at,
    matching_step,
    provisioning_uri,
    recovery_code,
    recovery_hash,
    step_at,
)

SECRET = b"12345678901234567890"
NOW_S = 1_111_111_109.0


@pytest.mark.parametrize(
    ("at_s", "code"),  # appendix B, the last six of its eight digits
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(at_s: int, code: str) -> None:
    assert code_at(SECRET, step_at(at_s)) == code


def test_a_code_is_good_one_step_early_or_late_and_once() -> None:
    now = step_at(NOW_S)
    for step in (now - 1, now, now + 1):
        assert matching_step(SECRET, code_at(SECRET, step), at_s=NOW_S, after_step=0) == step
        assert matching_step(SECRET, code_at(SECRET, step), at_s=NOW_S, after_step=step) is None
    for step in (now - 2, now + 2):
        assert matching_step(SECRET, code_at(SECRET, step), at_s=NOW_S, after_step=0) is None


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "０８１８０４", "081805"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert matching_step(SECRET, typed, at_s=NOW_S, after_step=0) is None


def test_spaces_in_a_code_are_ignored() -> None:
    assert matching_step(SECRET, " 081 804 ", at_s=NOW_S, after_step=0) == step_at(NOW_S)


def test_an_app_reads_secret_and_issuer_from_the_uri() -> None:
    parts = urlsplit(provisioning_uri(SECRET, issuer="邻鲜 A&B", account="boss"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": [base32(SECRET)], "issuer": ["邻鲜 A&B"]}


def test_a_recovery_code_is_read_as_people_type_it_and_belongs_to_one_person() -> None:
    code = recovery_code(bytes(range(RECOVERY_BYTES)))
    assert [len(part) for part in code.split("-")] == [4, 4, 4, 4]
    known = recovery_hash("u1", code)
    assert known is not None
    assert recovery_hash("u1", code.lower().replace("-", " ")) == known
    assert recovery_hash("u2", code) != known
    assert recovery_hash("u1", code[:-1]) is None
