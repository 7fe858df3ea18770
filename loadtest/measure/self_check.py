"""Whether the tester itself was the bottleneck: its loop's lag, its CPU, its clock, its sockets."""

import asyncio
import contextlib
import errno
import time
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import psutil

from loadtest.measure.stalls import Stalls, waits_s

LOOK_S = 0.05
LAG_P99_MS_MAX = 100.0
CPU_SHARE_MAX = 0.95
CLOCK_STEP_MS_MAX = 50.0
OWN_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How a process of the tester fared. `others_cores` is what other programs used meanwhile."""

    lag_p99_ms: float = 0.0
    lag_max_ms: float = 0.0
    cpu_share: float = 0.0
    others_cores: float = 0.0
    clock_step_ms: float = 0.0
    own_errors: int = 0

    def worse(self, other: "SelfCheck") -> "SelfCheck":
        """Return the worse of two processes in each respect; errors add up."""
        return SelfCheck(
            max(self.lag_p99_ms, other.lag_p99_ms),
            max(self.lag_max_ms, other.lag_max_ms),
            max(self.cpu_share, other.cpu_share),
            min(self.others_cores or other.others_cores, other.others_cores),
            max(self.clock_step_ms, other.clock_step_ms),
            self.own_errors + other.own_errors,
        )

    def objections(self) -> list[str]:
        """Return why figures of this process mean nothing; empty if they do."""
        found = []
        if self.lag_p99_ms > LAG_P99_MS_MAX:
            found.append(f"the tester's own loop was {self.lag_p99_ms:.0f} ms late (p99)")
        if self.cpu_share > CPU_SHARE_MAX:
            found.append(f"the tester used {self.cpu_share:.0%} of its core")
        if self.clock_step_ms > CLOCK_STEP_MS_MAX:
            found.append(f"the tester's clock was set by {self.clock_step_ms:.0f} ms")
        if self.own_errors:
            found.append(f"the tester's machine refused {self.own_errors} sockets")
        return found


class SelfWatch:
    """Watches this process. `async with running()`, then `result`.

    Stalls of other processes that belong to the tester are added to `stalls`.
    """

    def __init__(self) -> None:
        self.own_errors = 0
        self.stalls = Stalls()
        self._lags_us = array("Q")
        self._due_s: float | None = None
        self._offset_s = self._step_s = 0.0
        self._process = psutil.Process()
        self._began = self._usage()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until left."""
        self._began = self._usage()
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def on_os_error(self, error: OSError) -> None:
        """Note a socket that our own machine refused; errors of the network do not count."""
        self.own_errors += error.errno in OWN_ERRORS

    def result(self) -> SelfCheck:
        """Return how it went so far."""
        at, own_s, machine_s = (
            now - then for now, then in zip(self._usage(), self._began, strict=True)
        )
        lags = np.sort(np.frombuffer(self._lags_us or array("Q", [0]), np.uint64))
        return SelfCheck(
            lag_p99_ms=float(lags[(len(lags) - 1) * 99 // 100]) / 1e3,
            lag_max_ms=float(lags[-1]) / 1e3,
            cpu_share=own_s / at if at else 0.0,
            others_cores=max(0.0, (machine_s - own_s) / at) if at else 0.0,
            clock_step_ms=self._step_s * 1e3,
            own_errors=self.own_errors,
        )

    def look(self, now: float, wall_s: float) -> float:
        """Note how late this look is, by the monotonic clock; return when the next one is due."""
        if self._due_s is not None:
            late_s = max(0.0, now - self._due_s)
            self.stalls.note(late_s, now)
            self._lags_us.extend(int(wait_s * 1e6) for wait_s in waits_s(late_s, LOOK_S))
            # A step, not the slow slewing of NTP: what changes from one look to the next.
            self._step_s = max(self._step_s, abs(wall_s - now - self._offset_s))
        self._offset_s = wall_s - now
        self._due_s = max(now, self._due_s or now) + LOOK_S
        return self._due_s

    async def _watch(self) -> None:
        while True:
            due_s = self.look(time.monotonic(), time.time())
            await asyncio.sleep(due_s - time.monotonic())

    def _usage(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        busy_s = sum(times) - times.idle - times.iowait - times.guest - times.guest_nice
        own = self._process.cpu_times()
        return time.monotonic(), float(own.user + own.system), float(busy_s)
