"""A batch moves what may move, and its undo takes back only what has not moved since."""

import itertools

import pytest

from commerce.orders.batches import (
    BATCH_MAY,
    UNDO_MS,
    BatchAnswer,
    Outcome,
    back_from,
    batch_hash,
    batch_id,
    batch_outcome,
    may_undo,
    undo_outcome,
)
from commerce.orders.states import REVERSALS, TRANSITIONS, OrderState

PAIRS = list(itertools.product(OrderState, BATCH_MAY))


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_an_order_moves_along_the_table_or_stands_there_already(
    state: OrderState, to: OrderState
) -> None:
    outcome = batch_outcome(state, to)
    if state is to:
        assert outcome is Outcome.ALREADY
    else:
        assert outcome is (Outcome.MOVED if (state, to) in TRANSITIONS else Outcome.REFUSED)


def test_what_is_not_there_is_unknown() -> None:
    assert batch_outcome(None, OrderState.PACKED) is Outcome.UNKNOWN
    assert undo_outcome(None, 0, BatchAnswer("o", Outcome.MOVED, None), OrderState.NEW) is (
        Outcome.UNKNOWN
    )


@pytest.mark.parametrize("to", sorted(BATCH_MAY))
def test_an_undo_leads_back_only_from_the_version_that_the_move_made(to: OrderState) -> None:
    back = back_from(to)
    answer = BatchAnswer("o", Outcome.MOVED, to, version=4)
    assert (to, back) in REVERSALS
    assert undo_outcome(to, 4, answer, back) is Outcome.MOVED
    assert undo_outcome(to, 6, answer, back) is Outcome.REFUSED
    assert undo_outcome(back, 5, answer, back) is Outcome.ALREADY
    assert undo_outcome(OrderState.CANCELLED, 5, answer, back) is Outcome.REFUSED


def test_the_window_of_an_undo_closes() -> None:
    assert may_undo(1_000, 1_000 + UNDO_MS - 1)
    assert not may_undo(1_000, 1_000 + UNDO_MS)


def test_a_batch_is_known_by_store_and_key_and_its_body_by_content() -> None:
    assert len({batch_id("s1", "k"), batch_id("s2", "k"), batch_id("s1", "l")}) == 3
    bodies = [(["a", "b"], OrderState.READY, False), (["a"], OrderState.READY, False)]
    bodies += [(["a"], OrderState.PACKED, False), (["a"], OrderState.PACKED, True)]
    assert len({batch_hash(*body) for body in bodies}) == 4
    assert batch_hash(["b", "a"], OrderState.READY, True) == (
        batch_hash(["a", "b"], OrderState.READY, True)
    )
