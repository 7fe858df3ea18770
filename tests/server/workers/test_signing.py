"""Requests between workers: signed, of now, and for themselves only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.workers.signing import HOPS_MAX, WINDOW_S, Passed, Signer

SECRET = "0123456789abcdef0123456789abcdef"
AT_MS = 1_700_000_000_000
PASSED = Passed(AT_MS, "0a1b2c02", 1, "192.0.2.7")
METHOD, TARGET, BODY = "PATCH", b"/live/demo/whep/x?y=1", b"a=ice-ufrag"
SIGNER = Signer(SECRET)


def check(value: bytes, at_ms: int = AT_MS) -> Passed | None:
    return SIGNER.check(value, METHOD, TARGET, BODY, at_ms=at_ms)


@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8::7", ""])
def test_signed_request_says_who_is_to_answer_and_who_asks(client: str) -> None:
    passed = Passed(AT_MS, "0a1b2c02", 2, client)
    assert check(SIGNER.sign(passed, METHOD, TARGET, BODY)) == passed


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("DELETE", TARGET, BODY), (METHOD, TARGET + b"2", BODY), (METHOD, TARGET, BODY + b"x")],
)
def test_signature_holds_for_its_own_request_only(method: str, target: bytes, body: bytes) -> None:
    value = SIGNER.sign(PASSED, METHOD, TARGET, BODY)
    assert SIGNER.check(value, method, target, body, at_ms=AT_MS) is None


def test_signature_of_another_installation_is_refused() -> None:
    assert check(Signer(SECRET[::-1]).sign(PASSED, METHOD, TARGET, BODY)) is None


def test_signature_holds_for_some_seconds_only() -> None:
    value = SIGNER.sign(PASSED, METHOD, TARGET, BODY)
    window_ms = round(WINDOW_S * 1_000)
    for skew_ms in (-window_ms, 0, window_ms):
        assert check(value, AT_MS + skew_ms) == PASSED
    for skew_ms in (-window_ms - 1, window_ms + 1):
        assert check(value, AT_MS + skew_ms) is None


def test_request_that_was_passed_on_too_often_is_refused() -> None:
    value = SIGNER.sign(Passed(AT_MS, "0a1b2c02", HOPS_MAX + 1, ""), METHOD, TARGET, BODY)
    assert check(value) is None


@given(st.binary(max_size=300))
def test_what_is_no_signature_is_refused_and_nothing_else(value: bytes) -> None:
    assert check(value) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_signature_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    value = bytearray(SIGNER.sign(PASSED, METHOD, TARGET, BODY))
    value[place % len(value)] ^= change
    assert check(bytes(value)) is None
