"""Other `linli` commands as child processes that end with this one."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

import structlog

STOP_TIMEOUT_S = 8.0
_PR_SET_PDEATHSIG = 1

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def child(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `linli` with `arguments`; on leaving, end it in order, then by force.

    What the child prints goes where this process prints.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        *arguments,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                log.warning("a child did not end in time", command=arguments[0])
                process.kill()
                await process.wait()


def die_with_parent() -> None:
    """Between fork and exec: ask the kernel for SIGTERM when the parent dies (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # Ctrl-C goes to the whole foreground group; the parent ends its children itself, in order.
    os.setpgid(0, 0)
