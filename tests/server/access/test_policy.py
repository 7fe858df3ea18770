"""Who may do what."""

import dataclasses

import pytest

from server.access.policy import ANONYMOUS, Action, Principal, Role, allowed, require
from server.problem import Problem

HOST = Principal("staff:1", frozenset({Role.HOST}), room_id="demo")
CLERK = Principal("staff:2", frozenset({Role.STORE}), store_id="s1")
GUEST = Principal("guest:1", frozenset({Role.MEMBER}), estate_id="e1", nickname="晨光")


def test_a_host_publishes_in_the_own_room_only() -> None:
    assert allowed(HOST, Action.PUBLISH, room_id="demo")
    assert not allowed(HOST, Action.PUBLISH, room_id="other")
    unbound = dataclasses.replace(HOST, room_id="")
    assert not allowed(unbound, Action.PUBLISH, room_id="")


def test_a_clerk_fulfils_for_the_own_store_only() -> None:
    assert allowed(CLERK, Action.FULFIL, store_id="s1")
    assert not allowed(CLERK, Action.FULFIL, store_id="s2")
    assert not allowed(HOST, Action.FULFIL, store_id="s1")


def test_a_rehearsal_is_for_the_staff_of_the_room_or_its_brand() -> None:
    colleague = Principal("staff:3", frozenset({Role.STORE}), store_id="s9", brand_id="b1")
    leader = Principal("staff:4", frozenset({Role.LEADER}), brand_id="b1")
    for staff in (HOST, colleague):
        assert allowed(staff, Action.REHEARSE, room_id="demo", brand_id="b1")
    for other in (GUEST, ANONYMOUS, CLERK, leader):
        assert not allowed(other, Action.REHEARSE, room_id="demo", brand_id="b1")
    assert not allowed(colleague, Action.REHEARSE, room_id="demo", brand_id="b2")


def test_a_cohost_pins_and_answers_but_neither_publishes_nor_ends() -> None:
    named = {CLERK.subject}
    assert allowed(CLERK, Action.PIN, room_id="demo", cohosts=named)
    for other in (GUEST, ANONYMOUS, dataclasses.replace(HOST, room_id="other")):
        assert not allowed(other, Action.PIN, room_id="demo", cohosts=named)
    for action in (Action.PUBLISH, Action.END_LIVE, Action.EDIT_REPLAY, Action.MODERATE):
        assert not allowed(CLERK, action, room_id="demo", cohosts=named)


def test_an_invitation_is_for_the_staff_of_the_brand_beside_the_host() -> None:
    host = dataclasses.replace(HOST, brand_id="b1")
    for colleague in (dataclasses.replace(CLERK, brand_id="b1"), host):
        assert allowed(colleague, Action.COHOST, room_id="elsewhere", brand_id="b1")
    for other in (GUEST, ANONYMOUS, CLERK, host):
        assert not allowed(other, Action.COHOST, room_id="demo", brand_id="b1")


def test_ordering_needs_an_estate_and_watching_needs_nothing() -> None:
    assert allowed(GUEST, Action.ORDER)
    assert not allowed(dataclasses.replace(GUEST, estate_id=""), Action.ORDER)
    assert allowed(ANONYMOUS, Action.WATCH)


def test_an_anonymous_request_is_401_and_a_known_one_without_the_role_403() -> None:
    with pytest.raises(Problem) as stranger:
        require(ANONYMOUS, Action.ORDER)
    assert stranger.value.status == 401
    assert "WWW-Authenticate" in stranger.value.headers
    with pytest.raises(Problem) as known:
        require(GUEST, Action.PIN, room_id="demo")
    assert known.value.status == 403


def test_stock_is_kept_by_the_staff_of_the_own_store() -> None:
    assert allowed(CLERK, Action.KEEP_STOCK, store_id="s1")
    assert not allowed(CLERK, Action.KEEP_STOCK, store_id="s2")
    assert not allowed(HOST, Action.KEEP_STOCK, store_id="s1")
