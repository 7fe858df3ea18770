"""Invites: whose join counts, and why others do not."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.groups.invites import (
    ADDRESS_JOINS_MAX,
    FOLLOW_GRACE_MS,
    INVITER_JOINS_MAX,
    PAIR_JOINS_MAX,
    RULES,
    Join,
    JoinRefusal,
    judge,
)

HONEST = Join("anna", "bo", "e1", "e1", 100_000, 200_000, "d1", "d2", frozenset({"d3"}))

DISHONEST = {
    JoinRefusal.OWN_HOUSEHOLD: {"household": "anna"},
    JoinRefusal.OTHER_ESTATE: {"estate_id": "e2"},
    JoinRefusal.JOINED_BEFORE: {"ordered_at_ms": 100_000 - FOLLOW_GRACE_MS - 1},
    JoinRefusal.OWN_DEVICE: {"device": "d1"},
    JoinRefusal.SAME_DEVICE: {"device": "d3"},
    JoinRefusal.SAME_ADDRESS: {"address_counted": ADDRESS_JOINS_MAX},
    JoinRefusal.RING: {"ring": 1},
    JoinRefusal.SAME_PAIR: {"pair": PAIR_JOINS_MAX},
    JoinRefusal.TOO_MANY: {"by_inviter": INVITER_JOINS_MAX},
}


def test_a_neighbour_who_follows_the_link_and_pays_counts() -> None:
    assert judge(HONEST) is None
    assert judge(replace(HONEST, device="", inviter_device="")) is None


@pytest.mark.parametrize("reason", JoinRefusal)
def test_every_rule_refuses_with_its_reason(reason: JoinRefusal) -> None:
    assert judge(replace(HONEST, **DISHONEST[reason])) is reason  # type: ignore[arg-type]  # by name


@given(st.sets(st.sampled_from(JoinRefusal), min_size=1))
@settings(max_examples=20)
def test_of_several_reasons_the_first_is_named(reasons: set[JoinRefusal]) -> None:
    changed = HONEST
    for reason in sorted(reasons, key=list(RULES).index, reverse=True):
        changed = replace(changed, **DISHONEST[reason])  # type: ignore[arg-type]  # by name
    assert judge(changed) in reasons
