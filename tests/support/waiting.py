"""Helpers that tests of every part share."""

import asyncio
import inspect
import os
import random
import socket
from collections.abc import Callable

WAIT_S = 120.0  # of machines that are busy with something else
# What is polled costs CPU that others wait for: the longer it takes, the more rarely.
_POLL_S, POLL_S_MAX, _POLL_GROWTH = 0.01, 0.25, 1.1
_random = random.SystemRandom()  # tests begin with the same seed
# Below those that the system gives to clients; of each process that runs tests at once its own, so
# that none takes a port which another has just found free.
PORTS = 5_000
_FIRST_PORT = 12_000 + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


async def wait_until(
    predicate: Callable[[], object],
    timeout_s: float = WAIT_S,
    what: str = "condition",
    *,
    poll_s_max: float = POLL_S_MAX,
) -> None:
    """Wait until `predicate()`, awaited if need be, is true; fail with `what` after `timeout_s`.

    Where each look also does something, give a short `poll_s_max`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    poll_s = _POLL_S
    while True:  # what is waited for has no event of its own
        result = predicate()
        if await result if inspect.isawaitable(result) else result:
            return
        if loop.time() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout_s} s")
        await asyncio.sleep(poll_s)
        poll_s = min(poll_s_max, poll_s * _POLL_GROWTH)


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
