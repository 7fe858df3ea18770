"""Intents: what their events make of them, in any order and however often."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.money.intents import (
    LIVE,
    PAY_MS,
    QUERY_MS,
    QUERY_MS_MAX,
    STEPS,
    TAKEN,
    TRANSITIONS,
    Intent,
    IntentEvent,
    IntentState,
    ends_at_provider_ms,
    expires_at_ms,
    fold,
    next_query_ms,
    refund_reference,
    step,
)
from commerce.money.providers import is_reference

pytestmark = pytest.mark.fast

_S, _E = IntentState, IntentEvent
REPORTED = st.sampled_from([_E.ACTION, _E.PAID, _E.FAILED, _E.EXPIRED])


def intent(state: IntentState, queries: int = 0) -> Intent:
    return Intent("i", "i", "p", "a", 1, state, 0, PAY_MS, 0, queries)


@settings(max_examples=50)
@given(st.lists(REPORTED, max_size=8))
def test_repeated_events_change_nothing(events: list[IntentEvent]) -> None:
    once = list(dict.fromkeys(events))
    assert fold(events) is fold(once)
    assert fold([*events, *events]) is fold([*once, *once])


@settings(max_examples=50)
@given(st.permutations([_E.ACTION, _E.PAID, _E.EXPIRED, _E.PAID]))
def test_money_that_came_is_never_forgotten(events: list[IntentEvent]) -> None:
    state = fold(events)
    assert state in TAKEN
    assert (state is _S.PAID_LATE) == (events.index(_E.EXPIRED) < events.index(_E.PAID))
    assert fold([*events, _E.FAILED, _E.EXPIRED, _E.ACTION]) is state


def test_a_late_payment_is_settled_once() -> None:
    late = [_E.ACTION, _E.EXPIRED, _E.PAID]
    assert fold([*late, _E.HONOURED, _E.REFUNDING]) is _S.HONOURED
    assert fold([*late, _E.REFUNDING, _E.HONOURED]) is _S.REFUNDING
    assert fold([_E.FAILED, _E.PAID]) is _S.PAID_LATE


def test_every_state_is_reached_and_none_is_reached_again() -> None:
    reached = {_S.CREATED}
    for _ in IntentState:
        reached |= {to for state, to in TRANSITIONS if state in reached}
    assert reached == set(IntentState)
    assert all(step(to, event) is to for (_, event), to in STEPS.items())
    assert {state for state, _ in TRANSITIONS} >= LIVE


def test_who_waits_for_a_group_pays_before_it_ends() -> None:
    assert expires_at_ms(1_000, None) == 1_000 + PAY_MS
    assert expires_at_ms(1_000, 5_000) == 5_000
    assert expires_at_ms(1_000, 10 * PAY_MS) == 1_000 + PAY_MS
    assert ends_at_provider_ms(intent(_S.CREATED), PAY_MS - 1) == PAY_MS - 1 + 60_000


def test_queries_become_rarer_come_at_the_end_and_stop_long_after_it() -> None:
    assert next_query_ms(intent(_S.ACTION), 0) == QUERY_MS
    assert next_query_ms(intent(_S.ACTION, 2), 0) == 4 * QUERY_MS
    assert next_query_ms(intent(_S.ACTION, 30), 0) == QUERY_MS_MAX
    assert next_query_ms(intent(_S.ACTION, 30), PAY_MS - 5) == PAY_MS
    assert next_query_ms(intent(_S.EXPIRED), PAY_MS) == PAY_MS + QUERY_MS
    assert next_query_ms(intent(_S.EXPIRED), 20 * PAY_MS) is None
    assert next_query_ms(intent(_S.PAID), 0) is None


def test_refunds_have_references_of_their_own() -> None:
    order_id = "0123456789abcdef" * 2
    found = {refund_reference(order_id, n) for n in range(1, 51)}
    assert len(found) == 50
    assert all(is_reference(each) for each in found)
