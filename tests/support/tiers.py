"""The tier of each test: what it needs decides, by its folder or its fixtures, never by hand.

- `fast`: in this process, without services; the default, run after each edit (`make quick`)
- `services`: real Redis, Valkey or PostgreSQL, child processes, media over sockets
- `browser`: a Chromium
- `soak`: real seconds and figures; by hand (`make soak`), not part of `make test`
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_asyncio import is_async_test

TIERS = ("fast", "services", "browser", "soak")
ROOT = Path(__file__).parents[2]
# The first that fits decides.
PLACES = {
    "tests/soak": "soak",
    "tests/web": "browser",
    "tests/contracts": "services",
    "tests/stories": "services",
    "tests/loadtest/actors": "services",
    "tests/loadtest/bench": "services",
    "tests/loadtest/clients": "services",
    "tests/loadtest/measure": "services",
    "tests/loadtest/sources": "services",
    "tests/loadtest/runner": "services",
    "tests/server/cli": "services",
    "tests/server/http/live": "services",
    "tests/insight/io/test_query_process.py": "services",
    "tests/media/io": "services",
    "tests/fuzz/test_http.py": "services",
    "tests/server/ops/test_embedded.py": "services",
    "tests/server/ops/test_forks.py": "services",
    "tests/server/ops/test_insight_process.py": "services",
    "tests/server/ops/test_pictures.py": "services",
    "tests/server/ops/test_supervisor.py": "services",
    "tests/server/net/test_behind_a_proxy.py": "services",
    "tests/server/test_deployment.py": "services",
    "tests/server/workers/test_passing.py": "services",
    "tests/server/workers/test_two_workers.py": "services",
}
FIXTURES = {
    "browser": "browser",
    "_valkey_server": "services",
    "_redis7_server": "services",
    "_postgres_server": "services",
    "redis_url": "services",
    "database_url": "services",
    "bare_database_url": "services",
    "valkey": "services",
}
# These share a server and a browser, which live in one event loop.
SESSION_LOOP = ("tests/stories/", "tests/soak/")
# Of the record and Redis of a test that takes both: by default each kind once. The other two pairs
# are soaks.
PAIRS = frozenset({("sqlite", "valkey"), ("postgres", "redis7")})
# What begins first, since it takes longest.
_ORDER = {"browser": 0, "soak": 1, "services": 2, "fast": 3}
_CHILDREN = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})


def tier_of(path: str, fixtures: Sequence[str]) -> str:
    """Return the tier of a test at `path`, relative to the repository, that uses `fixtures`."""
    found = {tier for name, tier in FIXTURES.items() if name in fixtures}
    found |= {tier for name, tier in PLACES.items() if f"{path}/".startswith(f"{name}/")}
    return max(found, key=TIERS.index, default="fast")


class Tiers:
    """A pytest plugin that marks every test with its tier and keeps `fast` to this process."""

    def __init__(self) -> None:
        self._running = ""
        sys.addaudithook(self._audit)

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        """Mark before `-m` selects; sort after the shuffle, so that the longest begin."""
        for item in items:
            path = item.path.relative_to(ROOT).as_posix()
            item.add_marker(_marked(item) or tier_of(path, getattr(item, "fixturenames", ())))
            if path.startswith(SESSION_LOOP) and is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        yield
        items.sort(key=lambda item: _ORDER[_tier(item)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """From here on what happens is done by `item`."""
        self._running = item.nodeid if _tier(item) == "fast" else ""

    def pytest_runtest_logfinish(self) -> None:
        """Whatever happens between tests is nobody's."""
        self._running = ""

    def _audit(self, event: str, _: Any) -> None:
        if event in _CHILDREN and self._running:
            raise AssertionError(f"{self._running} is of the fast tier and starts a process")


def _tier(item: pytest.Item) -> str:
    return next(tier for tier in TIERS if item.get_closest_marker(tier))


def _marked(item: pytest.Item) -> str:
    """A slow variant of a test may be marked as a soak by hand."""
    return "soak" if item.get_closest_marker("soak") or _is_another_pair(item) else ""


def _is_another_pair(item: pytest.Item) -> bool:
    params = (
        item.callspec.params
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else {}
    )
    pair = params.get("database_url"), params.get("redis_url")
    return None not in pair and pair not in PAIRS
