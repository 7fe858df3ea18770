"""A supervisor and workers that are small programs of the test's own."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from server.errors import OperatorError
from server.ops.activity import activity
from server.ops.listener import listen
from server.ops.supervisor import Supervisor
from server.settings import Settings
from server.worker import VARIABLE
from tests.support.waiting import WAIT_S, free_port, wait_until

# Notes its pid, takes connections, is ready, beats, and ends in order at SIGTERM.
SERVES = f"""
import os, signal, socket, time
node, number, count, listener, beats = os.environ[{VARIABLE!r}].split()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
taking = socket.socket(fileno=int(listener))
taking.listen()
os.write(int(beats), b"OR")
open(f"{{os.environ['PIDS']}}/{{number}}.{{os.getpid()}}", "w").close()
while True:
    time.sleep(0.05)
    os.write(int(beats), b".")
"""
REFUSES = "raise SystemExit(1)"
# Answers with its number; a second process of worker 0 never gets ready.
ANSWERS = f"""
import os, signal, socket, threading, time
node, number, count, listener, beats = os.environ[{VARIABLE!r}].split()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
again = any(name.startswith("0.") for name in os.listdir(os.environ["PIDS"]))
open(f"{{os.environ['PIDS']}}/{{number}}.{{os.getpid()}}", "w").close()
if number == "0" and again:
    signal.pause()
os.write(int(beats), b"OR")
server = socket.socket(fileno=int(listener))
server.listen()
def beat():
    while True:
        time.sleep(0.05)
        os.write(int(beats), b".")
threading.Thread(target=beat, daemon=True).start()
while True:
    client, _ = server.accept()
    client.sendall(number.encode())
    client.close()
"""


class Node:
    """A supervisor that runs in this process."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder
        self.port = free_port()
        settings = Settings(host="127.0.0.1", port=self.port)
        command = (sys.executable, "-I", "-c", program)
        environment = {"PIDS": str(folder)}
        opened = partial(listen, settings, shared=True)
        self.supervisor = Supervisor(2, opened, environment, 0.0, command)

    async def answer(self) -> bytes:
        """What a new connection is answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await reader.read()
        finally:
            writer.close()

    def pids(self, number: int) -> set[int]:
        """All that ever ran as this number."""
        return {int(path.suffix[1:]) for path in self._folder.glob(f"{number}.*")}


@contextlib.asynccontextmanager
async def running(node: Node) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(node.supervisor.run())
    try:
        await wait_until(lambda: node.pids(0) and node.pids(1), what="both workers")
        yield task
    finally:
        node.supervisor.stop()
        async with asyncio.timeout(WAIT_S):
            await task


def is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_worker_that_is_killed_is_replaced_and_the_other_goes_on(tmp_path: Path) -> None:
    node = Node(tmp_path, SERVES)
    async with running(node):
        [killed] = node.pids(0)
        others = node.pids(1)
        os.kill(killed, signal.SIGKILL)
        await wait_until(lambda: len(node.pids(0)) == 2, what="another worker")
        assert node.pids(1) == others


async def test_worker_that_is_stopped_is_killed_and_replaced(tmp_path: Path) -> None:
    node = Node(tmp_path, SERVES)
    async with running(node):
        [stopped] = node.pids(0)
        os.kill(stopped, signal.SIGSTOP)
        await wait_until(lambda: not (seen := activity(stopped)) or not seen.waits, what="its stop")
        await wait_until(lambda: len(node.pids(0)) == 2, what="another worker")
        await wait_until(lambda: not is_there(stopped), what="its end")


async def test_workers_end_in_order_with_their_supervisor(tmp_path: Path) -> None:
    node = Node(tmp_path, SERVES)
    async with running(node):
        pids = node.pids(0) | node.pids(1)
    assert not any(map(is_there, pids))


async def test_others_take_all_connections_while_a_worker_is_started_again(
    tmp_path: Path,
) -> None:
    node = Node(tmp_path, ANSWERS)
    async with running(node), asyncio.timeout(WAIT_S):
        while {await node.answer() for _ in range(8)} != {b"0", b"1"}:
            pass
        [killed] = node.pids(0)
        os.kill(killed, signal.SIGKILL)
        await wait_until(lambda: len(node.pids(0)) == 2, what="another worker")
        assert {await node.answer() for _ in range(16)} == {b"1"}


async def test_node_that_starts_keeps_nobody_waiting_for_its_slowest_worker(
    tmp_path: Path,
) -> None:
    never_ready = ANSWERS.replace('number == "0" and again', 'number == "1"')
    node = Node(tmp_path, never_ready)

    async def answered() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            return await node.answer() == b"0"
        return False

    async with running(node), asyncio.timeout(WAIT_S):
        await wait_until(answered, what="the worker that is ready")
        assert {await node.answer() for _ in range(16)} == {b"0"}


async def test_connections_wait_while_workers_are_started_again(tmp_path: Path) -> None:
    node = Node(tmp_path, SERVES)
    async with running(node):
        await wait_until(lambda: node.supervisor.ready == 2, what="two that are ready")
        for pid in node.pids(0) | node.pids(1):
            os.kill(pid, signal.SIGKILL)
        for _ in range(8):
            socket.create_connection(("127.0.0.1", node.port), WAIT_S).close()
        await wait_until(lambda: len(node.pids(0)) == len(node.pids(1)) == 2)


async def test_node_whose_workers_cannot_start_ends_with_an_error(tmp_path: Path) -> None:
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(OperatorError, match="cannot start"):
            await Node(tmp_path, REFUSES).supervisor.run()


async def test_worker_that_cannot_start_again_does_not_end_the_others(tmp_path: Path) -> None:
    refuse, refused = tmp_path / "refuse", tmp_path / "refused"
    check = f"""
import os
if os.path.exists({str(refuse)!r}):
    open({str(refused)!r}, "w").close()
    {REFUSES}
"""
    node = Node(tmp_path, check + SERVES)
    async with running(node) as task:
        refuse.touch()
        [killed] = node.pids(0)
        os.kill(killed, signal.SIGKILL)
        await wait_until(refused.exists, what="a start that fails")
        refuse.unlink()
        await wait_until(lambda: len(node.pids(0)) == 2, what="another worker")
        assert not task.done()
