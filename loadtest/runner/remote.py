"""Shares that other processes play: the coordinator's side."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

from loadtest.errors import LoadError
from loadtest.measure.recorder import Interval
from loadtest.runner.link import Link, LinkBroken
from loadtest.runner.share import Setup, ShareEnd

STOP_TIMEOUT_S = 10.0
# While it plays, a process reports every second.
SILENCE_S_MAX = 60.0
WORKER_COMMAND = (sys.executable, "-m", "server", "loadtest", "worker")


class ShareFailed(LoadError):
    """A process could not do its share; carries its words."""


class RemoteShare:
    """See `share.Share`; what it measures comes over the link."""

    def __init__(self, setup: Setup, link: Link, on_interval: Callable[[Interval], None]) -> None:
        self._link = link
        self._clock_offset_ns = setup.clock_offset_ns
        self._on_interval = on_interval
        link.send("setup", setup=setup.encode())

    async def prepare(self) -> None:
        """Make the guests' accounts.

        Raises:
            ShareFailed: The target refuses them.
            LinkBroken: The process is gone.
        """
        await self._ask("prepare")

    async def play(self, start_ns: int) -> ShareEnd:
        """Play to the end; a process that dies meanwhile has no books to show."""
        theirs_ns = start_ns - self._clock_offset_ns
        try:
            answer = await self._ask("play", SILENCE_S_MAX, start_ns=theirs_ns)
            return ShareEnd.decode(answer["end"])
        except (LinkBroken, TimeoutError):
            return ShareEnd.died()

    async def tidy(self, target_gone: bool = False) -> int:
        """Take away what the share made."""
        try:
            return int((await self._ask("tidy", target_gone=target_gone))["left"])
        except LoadError:
            return 0

    def stop(self, *, target_gone: bool) -> None:
        """End the share early, in order."""
        self._link.send("stop", target_gone=target_gone)

    async def _ask(
        self, kind: str, silence_s: float | None = None, **members: Any
    ) -> dict[str, Any]:
        self._link.send(kind, **members)
        while True:
            async with asyncio.timeout(silence_s):
                message = await self._link.receive()
            match message["t"]:
                case "interval":
                    self._on_interval(Interval.decode(message["interval"]))
                case "done":
                    return message
                case "failed":
                    raise ShareFailed(str(message["text"]))


@contextlib.asynccontextmanager
async def worker_process() -> AsyncIterator[Link]:
    """Run one more process on this machine; yield the link to it."""
    child = await asyncio.create_subprocess_exec(
        *WORKER_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C at a terminal is for the coordinator, which then ends the others in order.
        start_new_session=True,
    )
    assert child.stdin and child.stdout
    link = Link(child.stdout, child.stdin)
    try:
        yield link
    finally:
        link.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGKILL)
            await child.wait()
