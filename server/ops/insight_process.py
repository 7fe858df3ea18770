"""The role insight in a process of its own: started by the server, and again when it ends.

It runs at low priority and with bounded memory, and ends with the server (PR_SET_PDEATHSIG). What
it does is exactly once whatever ends it: the lake's log says how far the lake is, and its leases
are those of this place, so that the next process need not wait for them to expire.
"""

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import structlog

from commerce.io.record.shutdown import stopping
from server.ops.beating_process import BeatingProcess
from server.ops.supervision import Step
from server.settings import InsightProcess, Settings
from server.worker import INSIGHT_NUMBER, Worker

NICENESS = 10
MEMORY_BYTES_MAX = 600 * 1024 * 1024  # resident; above, it ends in order
DATA_BYTES_MAX = 3 * 1024 * 1024 * 1024  # also reserved, such as stacks of the engine's threads
MEMORY_EVERY_S = 2.0
OOM_SCORE = 500  # of 1,000: where memory runs out, it goes before any server
SILENT_S_MAX = 120.0
"""Between its beats: a store that is away keeps the interpreter waiting."""
STOP_S_MAX = 15.0
LOOK_S_MAX = 1.0

log = structlog.get_logger()


def is_apart(settings: Settings) -> bool:
    """Whether this server's insight runs in a process of its own."""
    if "insight" not in settings.roles or settings.insight_process is InsightProcess.SHARED:
        return False
    cores = len(os.sched_getaffinity(0))
    return settings.insight_process is InsightProcess.OWN or cores > 1


def environment(settings: Settings, redis_url: str) -> dict[str, str]:
    """Return what the process needs to know of a server's settings, beyond its environment."""
    return {
        "LINLI_ROLES": "insight",
        "LINLI_REDIS_URL": redis_url,
        "LINLI_DATABASE_URL": settings.database_url,
        "LINLI_DATA_DIR": str(settings.data_dir.resolve()),
        "LINLI_LAKE_URL": settings.lake_url.get_secret_value(),
        # More arenas than threads at work keep what was freed.
        "MALLOC_ARENA_MAX": "2",
    }


class InsightChild:
    """`run` until cancelled; the process ends before that returns."""

    def __init__(
        self,
        worker: Worker,
        environment: Mapping[str, str],
        command: Sequence[str] = (sys.executable, "-m", "server", "serve"),
    ) -> None:
        place = replace(worker, number=INSIGHT_NUMBER, listener_fd=None, beat_fd=None)
        self._process = BeatingProcess(place, SILENT_S_MAX)
        self._environment = environment
        self._command = command

    @property
    def pid(self) -> int | None:
        """Id of the process that runs."""
        return self._process.pid

    async def run(self) -> None:
        """Keep the process running."""
        process = self._process
        try:
            while not stopping():
                match process.watch.next_step(now=monotonic()):
                    case Step.START:
                        await process.start(self._command, self._environment)
                        log.info("insight started", pid=process.pid)
                    case Step.LOOK:
                        process.look()
                    case Step.KILL:
                        log.error("insight does not answer, killing it", pid=process.pid)
                        process.kill()
                    case Step.WAIT:
                        await self._wait()
        finally:
            await process.end(STOP_S_MAX)

    async def _wait(self) -> None:
        process = self._process
        wait_s = min(LOOK_S_MAX, max(0.0, process.watch.next_timer() - monotonic()))
        if process.ended is None:
            await asyncio.sleep(wait_s)
            return
        done, _ = await asyncio.wait({process.ended}, timeout=wait_s)
        if done:
            log.warning("insight ended, it is started again", code=process.take_end())


class TooLarge(Exception):
    """The process has more memory than it may; the next one goes on."""


async def watch_memory(bytes_max: int = MEMORY_BYTES_MAX) -> None:
    """Run until this process has too much memory.

    Raises:
        TooLarge: It has.
    """
    while True:
        resident = _resident_bytes()
        if resident > bytes_max:
            raise TooLarge(f"{resident >> 20} MB")
        await asyncio.sleep(MEMORY_EVERY_S)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def yield_to_lives(data_bytes_max: int = DATA_BYTES_MAX) -> None:
    """Give this process a low priority, bounded memory, and the first place to be killed."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or hard > data_bytes_max:
            resource.setrlimit(resource.RLIMIT_DATA, (data_bytes_max, data_bytes_max))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
