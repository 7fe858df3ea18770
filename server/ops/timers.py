"""Timers that fire together: what a process at rest costs is mostly that it wakes up.

A long wait ends at the nearest point of a grid, up to half of GRID_S sooner or later than it was
asked to; so the work that is done every second or so is done in a few wake-ups. Times are
monotonic seconds.
"""

import asyncio
import os
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

import uvloop

GRID_S = 0.25
LONG_S = 0.4
"""Shorter waits end when they are asked to: somebody waits, or media does."""
Arguments = TypeVarTuple("Arguments")
_PHASES = 16  # of processes, so that not all of a machine ask Redis at once


def on_grid(at: float, phase: float = 0.0) -> float:
    """Return the point of the grid that is nearest to `at`."""
    return round((at - phase) / GRID_S) * GRID_S + phase


class AlignedLoop(uvloop.Loop):
    """uvloop, but for when long waits end."""

    def __init__(self) -> None:
        super().__init__()
        self._phase = os.getpid() % _PHASES * GRID_S / _PHASES

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As uvloop's, also for `call_at` and all that is built on it."""
        if delay >= LONG_S:
            now = self.time()
            delay = on_grid(now + delay, self._phase) - now
        return super().call_later(delay, callback, *args, context=context)

    def ends_at(self, at: float) -> float:
        """Return when a long wait ends that is asked to end `at`."""
        return on_grid(at, self._phase)


def wait_ends_at(at: float) -> float:
    """Return when, in the running loop, a long wait ends that is asked to end `at`."""
    loop = asyncio.get_running_loop()
    return loop.ends_at(at) if isinstance(loop, AlignedLoop) else at
