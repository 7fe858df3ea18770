"""Which tier a test is of, what a test may import, and the table of figures of the soaks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.figures import Figures
from tests.support.tiers import ROOT, tier_of


@pytest.mark.parametrize(
    ("path", "fixtures", "tier"),
    [
        ("tests/rooms/test_room.py", [], "fast"),
        ("tests/rooms/io/test_hub.py", ["redis_url", "_valkey_server"], "services"),
        ("tests/stories/test_hosts.py", ["linli"], "services"),
        ("tests/stories/test_restarts.py", ["linli", "people", "browser"], "browser"),
        ("tests/web/test_pages.py", [], "browser"),
        ("tests/soak/test_router.py", ["browser"], "soak"),
        ("tests/websites/test_any.py", [], "fast"),
    ],
)
def test_tier_follows_from_place_and_fixtures(path: str, fixtures: list[str], tier: str) -> None:
    assert tier_of(path, fixtures) == tier


def test_a_fast_test_starts_no_process() -> None:
    with pytest.raises(AssertionError, match="is of the fast tier"):
        subprocess.run([sys.executable, "-c", ""], check=False)


def test_tests_import_only_from_support() -> None:
    assert [found for file in (ROOT / "tests").rglob("*.py") for found in _imports(file)] == []


def _imports(file: Path) -> list[str]:
    """Imports of test modules in `file`."""
    name = file.relative_to(ROOT).as_posix()
    if "node_modules" in name:
        return []
    modules: list[str] = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return [
        f"{name}: {module}"
        for module in modules
        if module.startswith("tests.")
        and (not module.startswith("tests.support.") or ".test_" in module)
    ]


def test_a_figure_beyond_its_bound_fails_and_is_in_the_table() -> None:
    figures = Figures()
    figures.at_most("longest gap", 120, 500, "ms")
    with pytest.raises(AssertionError, match="first frame: 3 s > 2 s"):
        figures.at_most("first frame", 3, 2, "s")
    figures.seen("frames", 250)
    assert figures.table() == [
        "what         bound     seen",
        "longest gap  ≤ 500 ms  120 ms",
        "first frame  ≤ 2 s     3 s",
        "frames                 250",
    ]
