"""A node with one worker is watched as one with several is: the worker is killed and replaced."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.running import Running, running
from tests.support.waiting import wait_until

# A worker takes many seconds to begin on a busy machine.
pytestmark = pytest.mark.soak


def worker_pid(server: Running) -> int:
    """Return the process of the only worker, 0 while there is none."""
    assert server.process is not None
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    children = [int(pid) for pid in path.read_text().split()]
    return children[0] if len(children) == 1 else 0


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_worker_that_is_alone_and_stops_answering_is_replaced(
    tmp_path: Path, fault: signal.Signals
) -> None:
    async with running(tmp_path, LINLI_SUPERVISE="1") as server:
        before = worker_pid(server)

        async def is_replaced() -> bool:
            if worker_pid(server) in (0, before):
                return False
            try:
                async with server.client() as client:
                    return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        os.kill(before, fault)
        await wait_until(is_replaced, what="another worker")
        await server.stop()
        assert server.process is not None and server.process.returncode == 0


async def test_a_worker_that_is_not_to_be_watched_is_the_process_that_was_started(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, LINLI_SUPERVISE="0") as server:
        async with server.client() as client:
            assert (await client.get("/healthz")).status_code == 200
        assert "worker started" not in server.log
