"""The process from which a run's host goes live: see `actors.standby`, its other side."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

from loadtest.actors.standby import LATE, READY

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
COMMAND = (sys.executable, "-m", "server", "loadtest", "host")


class Publisher:
    """One host. `start`, `go_live`, `stop`."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_late: Callable[[float], None]
    ) -> None:
        self._process = process
        self._on_late = on_late
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, clip: str, token: str, on_late: Callable[[float], None]) -> "Publisher":
        """Start the process; `on_late` gets the seconds that it stood still."""
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, *([clip] if clip else [])),
            env={**os.environ, "LINLI_PUBLISH_TOKEN": token},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at a terminal is for the run, which ends it in order
        )
        return cls(process, on_late)

    async def ready(self) -> None:
        """Return when it can go live at once, or never will."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self._ready.wait()

    @property
    def failure(self) -> str:
        """Why it does not publish; "" while it runs."""
        code = self._process.returncode
        return "" if code is None else f"the host's process has ended (exit code {code})"

    def go_live(self, to: str) -> None:
        """Publish at the address `to`, which is never in the list of processes: it may be a key."""
        assert self._process.stdin
        self._process.stdin.write(f"{to}\n".encode())

    async def stop(self) -> None:
        """End it in order, or by force. Idempotent."""
        process = self._process
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        assert self._process.stdout
        try:
            while line := (await self._process.stdout.readline()).decode():
                word, _, rest = line.strip().partition(" ")
                if word == READY:
                    self._ready.set()
                elif word == LATE:
                    self._on_late(float(rest))
        finally:
            self._ready.set()
