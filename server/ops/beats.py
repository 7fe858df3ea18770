"""A worker's heartbeat to its supervisor: a byte each half second from the event loop.

Others say that it takes connections from now, that it is ready, and that it ends.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

EVERY_S = 0.5
BEAT, OPENS, READY, ENDS = b".", b"O", b"R", b"E"


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
        _write(fd, ENDS)


def report_opening(fd: int | None) -> None:
    """Tell the supervisor, if there is one, that people wait for answers from now on."""
    if fd is not None:
        _write(fd, OPENS)


def report_ready(fd: int | None) -> None:
    """Tell the supervisor, if there is one, that requests are answered."""
    if fd is not None:
        _write(fd, READY)


async def _beat(fd: int) -> None:
    while True:
        _write(fd, BEAT)
        await asyncio.sleep(EVERY_S)


def _write(fd: int, byte: bytes) -> None:
    # A supervisor that does not read has other troubles; one that is gone ends us by a signal.
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(fd, byte)
