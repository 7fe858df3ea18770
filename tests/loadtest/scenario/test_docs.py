"""docs/loadtest.md lists everything that a scenario may name."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.report.result import result_schema
from loadtest.scenario.measures import COUNTS, TIMINGS
from loadtest.scenario.model import HostDoes, ViewerKind
from loadtest.scenario.reading import scenario_schema
from loadtest.scenario.shipped import shipped_names

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "loadtest.md"


def test_every_measure_is_in_the_page_with_its_meaning() -> None:
    rows = set(PAGE.read_text("utf-8").splitlines())
    for name, meaning in (TIMINGS | COUNTS).items():
        assert f"| `{name}` | {meaning} |" in rows


def test_every_kind_step_and_scenario_is_in_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for name in (*ViewerKind, *HostDoes, *shipped_names()):
        assert f"`{name}`" in text


@pytest.mark.parametrize(
    ("name", "schema"), [("scenario", scenario_schema()), ("report", result_schema())]
)
def test_the_schemas_in_the_docs_are_those_of_the_program(
    name: str, schema: dict[str, Any]
) -> None:
    assert json.loads((DOCS / "schemas" / f"loadtest-{name}.json").read_text("utf-8")) == schema
