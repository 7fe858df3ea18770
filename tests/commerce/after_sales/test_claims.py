"""Who decides a claim: the rule when it is small and the household in good standing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.after_sales.claims import (
    AUTO_CLAIMS_MAX,
    AUTO_FEN_MAX,
    CLAIMS_MAX,
    INITIAL,
    LEADER_FEN_MAX,
    STORE_FEN_MAX,
    TRANSITIONS,
    WAITING,
    WINDOW_MS,
    ClaimState,
    ClaimTooLate,
    Desk,
    Standing,
    TooManyClaims,
    Why,
    check_decision,
    check_time,
    decide,
)
from commerce.errors import IllegalMove

amounts = st.integers(1, 50_000)
standings = st.builds(
    Standing, st.integers(0, CLAIMS_MAX - 1), st.integers(0, 60_000), st.integers(0, 500_000)
)


@given(amounts, standings, st.booleans())
def test_what_is_approved_at_once_is_small_and_within_the_limits_of_the_household(
    amount: int, standing: Standing, leader: bool
) -> None:
    decision = decide(amount, standing, has_leader=leader)
    assert decision.state in INITIAL
    assert (decision.state is ClaimState.APPROVED) == (decision.desk is Desk.RULE)
    if decision.state is ClaimState.APPROVED:
        assert amount <= AUTO_FEN_MAX
        assert standing.claims < AUTO_CLAIMS_MAX
        claimed = standing.claimed_fen + amount
        assert claimed <= max(AUTO_FEN_MAX, standing.spent_fen // 10)


@given(amounts, amounts, standings, st.booleans())
def test_a_larger_claim_never_gets_a_lower_desk(
    amount: int, more: int, standing: Standing, leader: bool
) -> None:
    ranks = list(Desk)
    small = decide(amount, standing, has_leader=leader)
    large = decide(amount + more, standing, has_leader=leader)
    # Past the small ones the share does not matter, so a leader may decide what the rule would not.
    if small.why is not Why.SHARE:
        assert ranks.index(large.desk) >= ranks.index(small.desk)


@given(amounts, st.lists(st.integers(1, AUTO_FEN_MAX), max_size=30), st.integers(0, 100_000))
def test_claims_that_nobody_reads_stay_within_a_share_of_the_spending(
    first: int, amounts: list[int], spent: int
) -> None:
    standing, free = Standing(spent_fen=spent), 0
    for amount in [first, *amounts]:
        if standing.claims == CLAIMS_MAX:
            break
        if decide(amount, standing, has_leader=False).state is ClaimState.APPROVED:
            free += amount
        standing = Standing(standing.claims + 1, standing.claimed_fen + amount, spent)
    assert free <= max(AUTO_FEN_MAX, spent // 10)


def test_the_desk_follows_the_amount() -> None:
    good = Standing(spent_fen=1_000_000)
    for amount, leader, desk in (
        (AUTO_FEN_MAX, True, Desk.RULE),
        (LEADER_FEN_MAX, True, Desk.LEADER),
        (LEADER_FEN_MAX, False, Desk.STORE),
        (STORE_FEN_MAX, True, Desk.STORE),
        (STORE_FEN_MAX + 1, True, Desk.HQ),
    ):
        assert decide(amount, good, has_leader=leader).desk is desk
    often = decide(100, Standing(AUTO_CLAIMS_MAX, 0, 1_000_000), has_leader=True)
    assert (often.desk, often.why) == (Desk.STORE, Why.OFTEN)
    with pytest.raises(TooManyClaims):
        decide(100, Standing(CLAIMS_MAX), has_leader=False)


def test_a_claim_is_made_within_a_day_of_the_handover() -> None:
    check_time(1_000, 1_000 + WINDOW_MS)
    for handed_over in (None, 999, 2_000 + WINDOW_MS):
        with pytest.raises(ClaimTooLate):
            check_time(handed_over, 1_000 + WINDOW_MS)


def test_a_decided_claim_stays_decided() -> None:
    for state in ClaimState:
        moves = {to for to in ClaimState if (state, to) in TRANSITIONS}
        assert bool(moves) == (state in WAITING)
    with pytest.raises(IllegalMove):
        check_decision(ClaimState.REFUSED, ClaimState.APPROVED)
