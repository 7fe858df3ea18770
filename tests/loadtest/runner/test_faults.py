"""A fault planted in the target is found, and nothing is found where there is none."""

import pytest

from loadtest.report.result import Result, Verdict
from loadtest.runner.run import Request, Run
from loadtest.scenario.reading import read_scenario
from tests.support.small_target import Fault, small_target

# What a fault-free target must not have; all of it at once in each run.
SCENARIO = """
title = { en = "Small", zh = "小" }
thresholds = [
    "viewers.joined == 24", "viewers.refused == 0", "host.failed == 0",
    "room.gaps == 0", "room.duplicates == 0", "room.behind == 0", "pins.missed == 0",
    "room.delivery.count > 0", "tap.answer.count > 0", "tap.shown.count > 0",
    "orders.oversold == 0", "orders.lost == 0", "orders.doubled == 0",
    "orders.counter_difference == 0", "orders.refunds_owed == 0",
]
[[profiles]]
kind = "lurker"
weight = 3
[[profiles]]
kind = "chatter"
weight = 1
think_s = 0.03
[[profiles]]
kind = "buyer"
weight = 4
orders = 0
[[stages]]
seconds = 0.05
viewers = 24
[[stages]]
seconds = 0.25
[[host]]
at_s = 0.1
do = "flash"
within_s = 0.03
[[host]]
at_s = 0.2
do = "unpin"
"""


async def result_of(fault: Fault | None, *, stock: int = 30, seconds: float = 0.25) -> Result:
    async with small_target(fault) as (target, _):
        target.left = {"p1": stock}
        scenario = read_scenario(SCENARIO.replace("0.25", f"{seconds}"), "s")
        request = Request(scenario, "s", target.url, "loadtest", stock_settle_s=0.0)
        return await Run(request).play()


def broken(result: Result) -> set[str]:
    """The thresholds that do not hold, by name."""
    return {one.threshold.split()[0] for one in result.thresholds if not one.holds}


@pytest.mark.parametrize("stock", [30, 5])
async def test_a_target_without_a_fault_has_nothing_found(stock: int) -> None:
    result = await result_of(None, stock=stock)
    assert broken(result) == set()
    assert result.measures["orders.confirmed"] == min(12, stock)
    assert result.measures["orders.sold_out"] == 12 - min(12, stock)
    assert {one.second for one in result.seconds} <= set(range(9))
    assert result.measures["room.delivery.count"] == sum(
        one.delays["room.delivery"].count for one in result.seconds if "room.delivery" in one.delays
    )


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault.DROP_EVENT, "room.gaps"),
        (Fault.REPEAT_EVENT, "room.duplicates"),
        (Fault.DOUBLE_ORDER, "orders.doubled"),
        (Fault.OVERSELL, "orders.oversold"),
        (Fault.LOSE_ORDER, "orders.lost"),
        (Fault.OWE_REFUND, "orders.refunds_owed"),
    ],
)
async def test_a_planted_fault_is_found(fault: Fault, found: str) -> None:
    result = await result_of(fault, stock=5 if fault is Fault.OVERSELL else 30)
    assert found in broken(result)
    assert result.verdict is not Verdict.PASS


async def test_a_delay_of_300_ms_is_measured() -> None:
    result = await result_of(Fault.DELAY, seconds=1.0)  # what is said at its end comes too late
    # The least of all delays: a busy machine adds to it and takes nothing away.
    least_ms = result.curves["room.delivery"][0][1]
    assert 299 <= least_ms
    assert result.measures["room.delivery.p50_ms"] >= 299
