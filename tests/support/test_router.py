"""Conditions of a link as `tc netem` takes them."""

import pytest

from media.emulator import Bursts, Conditions
from tests.support.router import netem


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (Conditions(), "delay 0.0s 0.0s loss 0.000000% rate 1000000000bit limit 10000"),
        (
            Conditions(loss=0.03, delay_s=0.03, jitter_s=0.05, reorders=True),
            "delay 0.03s 0.05s loss 3.000000% limit 10000",
        ),
        (
            Conditions(rate_bps=400_000, queue_s=0.3, delay_s=0.01),
            "delay 0.01s 0.0s loss 0.000000% rate 400000bit limit 13",
        ),
    ],
)
def test_conditions_become_arguments_of_netem(conditions: Conditions, words: str) -> None:
    assert netem(conditions) == words


def test_conditions_without_a_netem_argument_are_refused() -> None:
    with pytest.raises(AssertionError):
        netem(Conditions(loss=Bursts.of(0.1, 3)))
