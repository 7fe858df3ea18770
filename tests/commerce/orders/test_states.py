"""Order states: the table of transitions, and which of them a clerk may use."""

import itertools

import pytest

from commerce.errors import IllegalMove
from commerce.orders.states import (
    CLERK_MAY,
    FULFIL_MS,
    INITIAL,
    OPEN_AT_STORE,
    REVERSALS,
    TRANSITIONS,
    UNDONE,
    WAITING,
    WITH_BUYER,
    WITH_STORE,
    OrderState,
    check_clerk_move,
    check_move,
    check_reversal,
    due_at_ms,
)

FINAL = WITH_BUYER | UNDONE - {OrderState.EXPIRED}
PAIRS = list(itertools.product(OrderState, OrderState))


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_only_transitions_of_the_table_are_legal(state: OrderState, to: OrderState) -> None:
    if (state, to) in TRANSITIONS:
        check_move(state, to)
    else:
        with pytest.raises(IllegalMove) as refused:
            check_move(state, to)
        assert (refused.value.state, refused.value.to) == (state, to)


def test_final_states_have_no_way_out_and_all_others_do() -> None:
    assert {state for state, _ in TRANSITIONS} == set(OrderState) - FINAL


def test_every_order_can_be_cancelled_until_it_is_handed_over_or_expired() -> None:
    undone = {state for state, to in TRANSITIONS if to in UNDONE}
    assert undone == set(OrderState) - FINAL - {OrderState.EXPIRED}


def test_what_has_left_the_store_comes_back_as_returned() -> None:
    after = {to for state, to in TRANSITIONS if state is OrderState.OUT}
    assert after == {OrderState.DELIVERED, OrderState.RETURNED}
    assert {state for state, to in TRANSITIONS if to is OrderState.DELIVERED} == {OrderState.OUT}


def test_an_order_waits_for_its_payment_before_all_else_and_goes_on_late_too() -> None:
    goes_on = {OrderState.WAITING_GROUP, OrderState.NEW}
    ways = {
        state: {to for one, to in TRANSITIONS if one is state}
        for state in (OrderState.WAITING_PAYMENT, OrderState.EXPIRED)
    }
    assert ways == {
        OrderState.WAITING_PAYMENT: goes_on | {OrderState.EXPIRED, OrderState.CANCELLED},
        OrderState.EXPIRED: goes_on,
    }
    into = {state for state, to in TRANSITIONS if to is OrderState.WAITING_PAYMENT}
    assert into == set()


def test_transitions_have_no_circle() -> None:
    for length in range(2, len(OrderState) + 1):
        for path in itertools.permutations(set(OrderState) - FINAL, length):
            steps = zip(path, (*path[1:], path[0]), strict=True)
            assert not all(step in TRANSITIONS for step in steps)


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_only_steps_of_goods_that_the_store_answers_for_are_reversed(
    state: OrderState, to: OrderState
) -> None:
    within = {state, to} <= set(WITH_STORE)
    if within and (to, state) in TRANSITIONS:
        check_reversal(state, to)
    else:
        assert (state, to) not in REVERSALS
        with pytest.raises(IllegalMove):
            check_reversal(state, to)


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_a_clerk_uses_legal_transitions_that_need_no_code_and_no_group(
    state: OrderState, to: OrderState
) -> None:
    allowed = (state, to) in TRANSITIONS and state not in WAITING | {OrderState.EXPIRED}
    if allowed and to not in WITH_BUYER | {OrderState.OUT}:
        check_clerk_move(state, to)
    else:
        with pytest.raises(IllegalMove):
            check_clerk_move(state, to)


def test_a_store_works_on_what_is_neither_waiting_nor_final() -> None:
    assert set(WITH_STORE) == set(OrderState) - FINAL - WAITING - {OrderState.EXPIRED}
    assert set(WITH_STORE) - set(OPEN_AT_STORE) == {OrderState.OUT}
    assert CLERK_MAY - UNDONE < set(OPEN_AT_STORE)
    assert INITIAL == WAITING | {OrderState.NEW, OrderState.CANCELLED}


def test_an_order_is_due_30_minutes_after_it_reaches_the_store() -> None:
    assert FULFIL_MS == 1_800_000
    assert due_at_ms(5) == 1_800_005
