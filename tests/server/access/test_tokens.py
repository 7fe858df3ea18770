"""A token names its principal again, and nothing else is taken for one."""

import time
from dataclasses import replace

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from server.access.policy import ANONYMOUS, Principal, Role
from server.access.tokens import LEEWAY_S, Access
from server.problem import Problem

SECRET = "s" * 32
HOST = Principal("staff:1", frozenset({Role.HOST}), room_id="demo")
CLERK = Principal("staff:2", frozenset({Role.STORE}), store_id="s1")
GUEST = Principal("guest:1", frozenset({Role.MEMBER}), estate_id="e1", nickname="晨光")


def _request(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("principal", [HOST, CLERK, GUEST])
def test_a_token_names_the_same_principal_again(principal: Principal) -> None:
    access = Access(SECRET)
    assert access.verify(access.issue(principal, 60)) == principal


def test_an_expired_token_is_refused_with_advice() -> None:
    access = Access(SECRET)
    with pytest.raises(Problem) as caught:
        access.verify(access.issue(HOST, -LEEWAY_S - 1))
    assert caught.value.status == 401
    assert "Log in again" in caught.value.detail


def test_a_token_that_was_accepted_before_is_refused_once_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access = Access(SECRET)
    token = access.issue(HOST, 60)
    assert access.verify(token) is access.verify(token)
    later_s = time.time() + 61 + LEEWAY_S
    monkeypatch.setattr(time, "time", lambda: later_s)
    with pytest.raises(Problem) as caught:
        access.verify(token)
    assert (caught.value.status, caught.value.type) == (401, "bad-token")
    assert "Log in again" in caught.value.detail


def test_a_token_that_was_accepted_before_is_refused_once_it_is_revoked() -> None:
    versions = Versions()
    access = Access(SECRET, versions)
    token = access.issue(replace(HOST, version=3), 60)
    assert access.verify(token).version == 3
    versions.newest = 4
    with pytest.raises(Problem, match="401"):
        access.verify(token)


def test_a_token_of_another_secret_is_refused() -> None:
    with pytest.raises(Problem, match="401"):
        Access(SECRET).verify(Access("x" * 32).issue(HOST, 60))


def test_a_token_without_signature_is_refused() -> None:
    claims = {"iss": "linli", "sub": "staff:1", "roles": ["admin"], "exp": 2_000_000_000}
    with pytest.raises(Problem, match="401"):
        Access(SECRET).verify(jwt.encode(claims, "", "none"))


def test_no_token_is_an_anonymous_viewer() -> None:
    assert Access(SECRET).principal(_request(None)) is ANONYMOUS


@given(st.text(st.characters(max_codepoint=255), max_size=100))
def test_any_other_authorization_header_is_a_401_and_never_a_crash(header: str) -> None:
    with pytest.raises(Problem) as caught:
        Access(SECRET).principal(_request(header))
    assert caught.value.status == 401


def test_a_token_that_was_pasted_with_its_scheme_names_the_cause() -> None:
    access = Access(SECRET)
    with pytest.raises(Problem) as caught:
        access.principal(_request(f"Bearer Bearer {access.issue(GUEST, 60)}"))
    assert "`Bearer` is part of it" in caught.value.detail


def _claims(ahead_s: float, ends_s: float = 60.0) -> dict[str, object]:
    now = time.time()
    times = {"iat": now + ahead_s, "nbf": now + ahead_s, "exp": now + ahead_s + ends_s}
    return {"iss": "linli", "sub": "guest:1", "roles": ["member"], **times}


def test_a_token_of_a_node_whose_clock_is_ahead_is_accepted() -> None:
    for ahead_s in (1, 55):
        token = jwt.encode(_claims(ahead_s), SECRET, "HS256")
        assert Access(SECRET).verify(token).subject == "guest:1"
    assert Access(SECRET).verify(jwt.encode(_claims(-100), SECRET, "HS256"))


def test_a_token_of_next_hour_or_of_the_last_one_is_refused() -> None:
    for ahead_s in (3_600, -3_600):
        with pytest.raises(Problem, match="401"):
            Access(SECRET).verify(jwt.encode(_claims(ahead_s), SECRET, "HS256"))


class Versions:
    """Staff whose newest tokens have version 3, and later maybe another one."""

    newest = 3

    def is_current(self, staff_id: str, version: int, issued_at_s: float) -> bool:
        """Whether the version is that or a newer one."""
        assert abs(issued_at_s - time.time()) < 60
        return staff_id == "staff:1" and version >= self.newest


def test_revoked_token_is_refused_and_others_are_not() -> None:
    access = Access(SECRET, Versions())
    old, new = replace(HOST, version=2), replace(HOST, version=3)
    with pytest.raises(Problem) as caught:
        access.verify(access.issue(old, 60))
    assert (caught.value.status, caught.value.type) == (401, "bad-token")
    assert access.verify(access.issue(new, 60)).version == 3
    with pytest.raises(Problem):
        access.verify(access.issue(CLERK, 60))
    for unversioned in (GUEST, replace(CLERK, subject="token:store")):
        assert access.verify(access.issue(unversioned, 60)) == unversioned


def test_token_holds_until_it_ends() -> None:
    access = Access(SECRET)
    principal = access.verify(access.issue(CLERK, 60))
    assert access.holds(principal, time.time())
    assert not access.holds(principal, time.time() + 61 + LEEWAY_S)
    assert access.holds(ANONYMOUS, time.time())
