"""`linli serve --workers N`: starts the workers of a node, and starts them again when they end.

The supervisor owns what the workers share: the embedded Valkey and the listening sockets of HTTP,
one for each worker (SO_REUSEPORT: the kernel spreads connections evenly over those that listen).
A worker's socket listens once it is ready: until then the others take all connections. Where none
serves any more, connections wait in its queue while it is started again. The workers end with the
supervisor (PR_SET_PDEATHSIG). Each writes a byte each half second to a pipe; see supervision.py.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import structlog

from server.errors import OperatorError
from server.ops.beating_process import BeatingProcess
from server.ops.listener import BACKLOG
from server.ops.supervision import Step, worker_count
from server.settings import Settings
from server.worker import Worker, draw_node_id

LOOK_S_MAX = 1.0
REFUSED = 1
"""Exit code of a worker that cannot open what its settings name."""
STOP_S_EXTRA = 15.0
"""Beyond LINLI_DRAIN_S; a worker that is still there then is killed."""
QUEUE_S_MAX = 1.0
"""A worker that comes back later than this leaves its new connections to the others."""

log = structlog.get_logger()

Listen = Callable[[], socket.socket]


def workers_here(settings: Settings) -> int:
    """Return how many workers `settings` give this machine."""
    embedded = not (settings.redis_url and settings.database_url)
    return worker_count(settings.workers, cores=len(os.sched_getaffinity(0)), embedded=embedded)


class Supervisor:
    """Runs workers until `stop`."""

    def __init__(
        self,
        count: int,
        listen: Listen,
        environment: Mapping[str, str],
        drain_s: float,
        command: Sequence[str] = (sys.executable, "-m", "server", "serve"),
    ) -> None:
        """`listen` opens a socket of the node's port; all workers get `environment`."""
        self._command = command
        self._listen = listen
        self._environment = environment
        self._stop_s = drain_s + STOP_S_EXTRA
        node_id = draw_node_id()
        self._slots = [_Slot(Worker(node_id, number, count)) for number in range(count)]
        self._stopping = asyncio.Event()
        self._refused = False

    @property
    def ready(self) -> int:
        """How many workers answer requests."""
        return sum(slot.is_ready for slot in self._slots)

    def stop(self) -> None:
        """Drain and end all workers; `run` returns after them."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep the workers running until `stop`.

        Raises:
            OperatorError: None was ever ready, and one cannot start with these settings.
        """
        for slot in self._slots:
            slot.listener = self._listen()
        async with asyncio.TaskGroup() as tasks:
            for slot in self._slots:
                tasks.create_task(self._keep(slot), name=f"worker {slot.worker.number}")
        if self._refused:
            raise OperatorError("A worker cannot start; it says why above.")

    async def _keep(self, slot: "_Slot") -> None:
        while not self._stopping.is_set():
            match slot.watch.next_step(now=monotonic()):
                case Step.START:
                    await self._start(slot)
                case Step.LOOK:
                    slot.look()
                case Step.KILL:
                    log.error("worker does not answer, killing it", worker=slot.worker.number)
                    slot.kill()
                case Step.WAIT:
                    await self._wait(slot)
        # Those that come now go to another node; whoever is here is answered.
        slot.close_listener()
        await self._end(slot)

    async def _start(self, slot: "_Slot") -> None:
        slot.listener = slot.listener or self._listen()
        # Before anybody was ready a balancer is to see a node that refuses, not one that waits.
        if any(each.was_ready for each in self._slots) and not self._others_serve(slot):
            slot.listener.listen(BACKLOG)
        await slot.start(self._command, self._environment, slot.listener.fileno())
        log.info("worker started", worker=slot.worker.number, pid=slot.pid)

    async def _wait(self, slot: "_Slot") -> None:
        wait_s = min(LOOK_S_MAX, max(0.0, slot.watch.next_timer() - monotonic()))
        stopping = asyncio.create_task(self._stopping.wait())
        waits: set[asyncio.Task[Any]] = {stopping}
        if slot.ended is not None:
            waits.add(slot.ended)
        try:
            await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if slot.ended is not None and slot.ended.done():
            code = slot.take_end()
            log.warning("worker ended", worker=slot.worker.number, code=code)
            if code == REFUSED and not any(each.was_ready for each in self._slots):
                self._refused = True
                self.stop()
            if slot.watch.delay_s > QUEUE_S_MAX or self._others_serve(slot):
                slot.close_listener()

    def _others_serve(self, slot: "_Slot") -> bool:
        """Whether connections need not wait for this worker: the others of the node take them."""
        return any(other.is_ready for other in self._slots if other is not slot)

    async def _end(self, slot: "_Slot") -> None:
        if not await slot.end(self._stop_s):
            log.warning("worker did not end in time", worker=slot.worker.number)


class _Slot(BeatingProcess):
    """One worker number: its process and its listening socket."""

    listener: socket.socket | None = None

    def close_listener(self) -> None:
        """Take no more connections for it; idempotent."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
