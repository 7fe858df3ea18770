"""A state machine of a whole shop: taps, declines, crashes, lost answers, data loss, time jumps.

After every step the record is sound; when all is quiet the gate agrees with it, and no order that
was confirmed to a buyer is lost.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.shop_machine import ShopMachine


@pytest.mark.parametrize("examples", [6, pytest.param(40, marks=pytest.mark.soak)])
def test_the_invariants_hold_after_any_sequence_of_steps(valkey_url: str, examples: int) -> None:
    ShopMachine.redis_url = valkey_url
    run_state_machine_as_test(
        ShopMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
