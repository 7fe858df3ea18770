"""`make fuzz`: the fuzz tests over and over with fresh seeds, for LINLI_FUZZ_MINUTES.

A pytest plugin: `pytest tests/fuzz -p tests.fuzz.campaign -p no:randomly`. A finding ends it with
exit code 1 and with its reproduction; Hypothesis keeps it in `.hypothesis/` as well,
and tries it first from then on, in `make test` too.
"""

import functools
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings

from tests.support.fuzz_examples import PROFILE

MINUTES = 60.0
TIMEOUT_S = 900  # of one run of one test


@dataclass(slots=True)
class Tally:
    """What a test has run so far."""

    examples: int = 0
    seconds: float = 0.0


def pytest_configure(config: pytest.Config) -> None:
    """Before the tests are imported: their settings build upon this profile."""
    settings.register_profile(PROFILE, deadline=None, print_blob=True, derandomize=False)
    settings.load_profile(PROFILE)
    config.option.timeout = TIMEOUT_S
    minutes = float(os.environ.get("LINLI_FUZZ_MINUTES", MINUTES))
    config.pluginmanager.register(Campaign(minutes, config))


class Campaign:
    """Runs one test after the other until the time is over or a test fails."""

    def __init__(self, minutes: float, config: pytest.Config) -> None:
        self._minutes = minutes
        self._config = config
        self._tallies: dict[str, Tally] = {}
        self._now: Tally = Tally()  # of the test that runs
        self._began = 0.0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what has no examples; count those of the rest."""
        items[:] = [item for item in items if _hypothesis(item) is not None]
        for handle in {id(_hypothesis(item)): _hypothesis(item) for item in items}.values():
            handle.inner_test = self._counted(handle.inner_test)

    def _counted(self, test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def counted(*arguments: Any, **named: Any) -> Any:
            self._now.examples += 1
            return test(*arguments, **named)

        return counted

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Instead of pytest's own loop, which visits everything once."""
        if session.testsfailed or session.config.option.collectonly:
            return None
        self._began = time.monotonic()
        end = self._began + self._minutes * 60
        for at in itertools.count():
            if at % len(session.items) == 0:
                self._print_progress(f"round {at // len(session.items) + 1}")
            item, following = (session.items[n % len(session.items)] for n in (at, at + 1))
            with self._counting(item):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            if session.testsfailed or time.monotonic() > end:
                break
        return True

    @contextmanager
    def _counting(self, item: pytest.Item) -> Iterator[None]:
        self._now = self._tallies.setdefault(item.nodeid, Tally())
        began = time.monotonic()
        yield
        self._now.seconds += time.monotonic() - began

    def _print_progress(self, label: str) -> None:
        minutes = (time.monotonic() - self._began) / 60
        examples = sum(tally.examples for tally in self._tallies.values())
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(terminal, pytest.TerminalReporter)
        terminal.ensure_newline()
        terminal.write_line(
            f"{minutes:.1f} of {self._minutes:g} min, {label}: {examples:,} examples", flush=True
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how many examples each test ran."""
        terminalreporter.section("examples run")
        for name, tally in sorted(self._tallies.items()):
            where, _, test = name.partition("::")
            file = where.rpartition("/")[2].removesuffix(".py")
            terminalreporter.write_line(
                f"{tally.examples:>10,} in {tally.seconds:>7,.0f} s  {file}: {test}"
            )
        self._print_progress("over")


def _hypothesis(item: pytest.Item) -> Any:
    """Hypothesis' handle of a test, or None: it has an `inner_test` that others may wrap."""
    return getattr(getattr(item, "obj", None), "hypothesis", None)
