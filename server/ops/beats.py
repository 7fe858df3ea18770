"""A worker's heartbeat to its supervisor: a byte a second from the event loop."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

EVERY_S = 1.0


@contextlib.asynccontextmanager
async def beating(fd: int | None) -> AsyncIterator[None]:
    """Write to the supervisor's pipe, if there is one, as long as the loop turns."""
    if fd is None:
        yield
        return
    task = asyncio.create_task(_beat(fd), name="beats")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _beat(fd: int) -> None:
    while True:
        # A supervisor that does not read has other troubles; one that is gone ends us by a signal.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(fd, b".")
        await asyncio.sleep(EVERY_S)
