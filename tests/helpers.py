"""Helpers that tests of every part share."""

import asyncio
import inspect
import socket
from collections.abc import Callable

WAIT_S = 10.0
_POLL_S = 0.01


async def wait_until(
    predicate: Callable[[], object], timeout_s: float = WAIT_S, what: str = "condition"
) -> None:
    """Wait until `predicate()`, awaited if need be, is true; fail with `what` after `timeout_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:  # what is waited for has no event of its own
        result = predicate()
        if await result if inspect.isawaitable(result) else result:
            return
        if loop.time() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout_s} s")
        await asyncio.sleep(_POLL_S)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
