"""The dashboard and the alert rules in docs/deploy name metrics that /metrics has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs/deploy"
SUFFIXES = re.compile(r"_(total|bucket|count)$")

pytestmark = pytest.mark.fast


def expressions(node: Any) -> Iterator[str]:
    """All expressions of a board or a file of rules."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from expressions(child)


@pytest.mark.parametrize("file", ["grafana/linli.json", "alerts.yml"])
def test_each_expression_names_documented_metrics(file: str) -> None:
    text = (DEPLOY / file).read_text()
    found = list(expressions(json.loads(text) if file.endswith("json") else yaml.safe_load(text)))
    documented = set(re.findall(r"^\| `(linli_\w+)", (ROOT / "docs/metrics.md").read_text(), re.M))
    assert len(found) > 10
    for expression in found:
        names = re.findall(r"linli_\w+", expression)
        assert names
        for name in names:
            known = name.startswith("linli_process_") or SUFFIXES.sub("", name) in documented
            assert known, f"{name} is not in docs/metrics.md"


def test_each_panel_has_a_place_of_its_own() -> None:
    panels = json.loads((DEPLOY / "grafana/linli.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24
        taken |= cells
