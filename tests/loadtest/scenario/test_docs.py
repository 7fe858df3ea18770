"""docs/loadtest.md lists everything that a scenario may name."""

from pathlib import Path

from loadtest.scenario.measures import COUNTS, TIMINGS
from loadtest.scenario.model import HostDoes, ViewerKind
from loadtest.scenario.shipped import shipped_names

PAGE = Path(__file__).parents[3] / "docs" / "loadtest.md"


def test_every_measure_is_in_the_page_with_its_meaning() -> None:
    rows = set(PAGE.read_text("utf-8").splitlines())
    for name, meaning in (TIMINGS | COUNTS).items():
        assert f"| `{name}` | {meaning} |" in rows


def test_every_kind_step_and_scenario_is_in_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for name in (*ViewerKind, *HostDoes, *shipped_names()):
        assert f"`{name}`" in text
