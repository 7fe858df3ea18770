"""A server for each soak, and a table of all figures at the end of the run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.browsers import browser, people
from tests.support.chromium import WHOLE, find_chromium
from tests.support.figures import Figures
from tests.support.running import Running, running

__all__ = ["browser", "people"]

_FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def camera_fps() -> int:
    """What watches video watches it at its usual rate."""
    return 15


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that neighbours have."""
    return find_chromium(WHOLE)


@pytest_asyncio.fixture(loop_scope="session")
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A started server with the story shop, for this soak alone."""
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Where a soak puts what it has seen beside its bounds."""
    return request.config.stash.setdefault(_FIGURES, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table: what, bound, seen."""
    figures = terminalreporter.config.stash.get(_FIGURES, None)
    if figures is None:
        return
    terminalreporter.section("figures")
    for line in figures.table():
        terminalreporter.write_line(line)
