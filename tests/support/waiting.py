"""Helpers that tests of every part share."""

import asyncio
import inspect
import os
import random
import socket
from collections.abc import Callable

WAIT_S = 120.0  # of machines that are busy with something else
_POLL_S = 0.01
_random = random.SystemRandom()  # tests begin with the same seed
# Below those that the system gives to clients; of each process that runs tests at once its own, so
# that none takes a port which another has just found free.
PORTS = 5_000
_FIRST_PORT = 12_000 + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


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
    while True:
        port = _random.randrange(_FIRST_PORT, _FIRST_PORT + PORTS)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
