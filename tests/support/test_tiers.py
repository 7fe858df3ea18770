"""Which tier a test is of, and the table of figures of the soaks."""

import subprocess
import sys

import pytest

from tests.support.figures import Figures
from tests.support.tiers import tier_of


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
