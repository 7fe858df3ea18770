"""Group buys: states, the deadline, and who may still join."""

from hypothesis import given
from hypothesis import strategies as st

from commerce.groups.group import (
    EXPIRY_GRACE_MS,
    GOES_ON,
    JOINABLE,
    TRANSITIONS,
    Group,
    GroupState,
)

ENDED = {GroupState.DONE, GroupState.EXPIRED, GroupState.CANCELLED}


def group_in(state: GroupState, ends_at_ms: int = 1_000) -> Group:
    """A group of three households."""
    return Group("g", "pear", "e", 0, 3, 600, state, ends_at_ms)


def test_an_ended_group_stays_ended() -> None:
    assert {state for state, _ in TRANSITIONS} == set(GroupState) - ENDED


def test_every_group_can_end_and_none_can_open_again() -> None:
    reached = {state for state in ENDED}
    for _ in GroupState:
        reached |= {state for state, to in TRANSITIONS if to in reached}
    assert reached == set(GroupState)
    assert GroupState.OPEN not in {to for _, to in TRANSITIONS}


def test_households_join_until_the_deadline_and_not_in_its_millisecond() -> None:
    group = group_in(GroupState.OPEN)
    assert group.joinable(999)
    assert not group.joinable(1_000)


def test_a_group_expires_after_the_grace_and_only_while_open() -> None:
    assert not group_in(GroupState.OPEN).overdue(999 + EXPIRY_GRACE_MS)
    assert group_in(GroupState.OPEN).overdue(1_000 + EXPIRY_GRACE_MS)
    for state in set(GroupState) - {GroupState.OPEN}:
        assert not group_in(state).overdue(1_000 + EXPIRY_GRACE_MS)


@given(st.sampled_from(GroupState), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_group_is_joinable_and_overdue(state: GroupState, ends_at_ms: int, at_ms: int) -> None:
    group = group_in(state, ends_at_ms)
    assert not (group.joinable(at_ms) and group.overdue(at_ms))
    assert not group.joinable(at_ms) or state not in ENDED


def test_a_reached_group_is_still_joinable() -> None:
    assert GOES_ON < JOINABLE
    assert JOINABLE - GOES_ON == {GroupState.OPEN}
