"""A report has median, spread and goal, and is not valid when a check fails."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from loadtest.measure.report import Check, Report
from loadtest.measure.rig import Cpu
from loadtest.measure.stats import Better, Figure, Machine, percentile

MACHINE = Machine("a CPU", 2, 8.0, "6.1", "cpython 3.11", "OpenSSL 3")


def report() -> Report:
    report = Report("relay")
    report.figures = [
        Figure("cost", "µs", (5.0, 3.0, 4.0), target=4.5),
        Figure("rate", "/s", (10.0,), Better.HIGHER, 20),
    ]
    return report


def test_a_figure_is_its_median_with_its_spread() -> None:
    cost, rate = report().figures
    assert (cost.median, cost.spread, cost.meets) == (4.0, (3.0, 5.0), True)
    assert rate.meets is False
    assert Figure("x", "", (1.0,)).meets is None


@given(values=st.lists(st.floats(0, 1e6), min_size=1), percent=st.floats(0.1, 100))
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


def test_the_percentile_of_nothing_is_zero() -> None:
    assert percentile([], 99) == 0.0


@pytest.mark.parametrize(("busy", "valid"), [(0.5, True), (0.99, False)])
def test_a_busy_tester_makes_the_report_invalid(busy: float, valid: bool) -> None:
    judged = report()
    judged.tester(Cpu(10.0, 1.0, 0.0, busy * 10))
    judged.finish()
    assert judged.valid is valid


def test_other_busy_programs_are_noted() -> None:
    judged = report()
    judged.tester(Cpu(10.0, 1.0, 0.0, 1.0, others_s=13.0))
    judged.finish()
    assert judged.valid
    assert any("used up to 1.3 cores" in note for note in judged.notes)


def test_json_has_figures_command_and_machine() -> None:
    text = json.dumps(report().as_dict("linli bench relay", MACHINE))
    found = json.loads(text)
    assert found["command"] == "linli bench relay"
    assert found["machine"]["cpu"] == "a CPU"
    assert found["figures"][0]["median"] == 4.0
    assert found["figures"][0]["spread"] == [3.0, 5.0]


def test_the_table_shows_goals_and_checks() -> None:
    judged = report()
    judged.checks.append(Check("no packet was lost", False, "3 lost"))
    out = io.StringIO()
    judged.show(Console(file=out, width=100), "linli bench relay", MACHINE)
    assert "≤ 4.5" in out.getvalue()
    assert "✗ no packet was lost (3 lost)" in out.getvalue()
