"""`linli serve --workers N`: starts the workers of a node, and starts them again when they end.

The supervisor owns what the workers share: the embedded Valkey and the listening sockets of HTTP,
one for each worker (SO_REUSEPORT: the kernel spreads connections evenly). It keeps a copy of each,
so that connections wait in the queue while a worker is started again. The workers end with it
(PR_SET_PDEATHSIG). Each writes a byte a second to a pipe; see supervision.py.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import structlog

from server.errors import OperatorError
from server.ops.beats import READY
from server.ops.children import die_with_parent
from server.ops.supervision import Step, Watch, worker_count
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
        await slot.start(self._command, self._environment)
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
            if slot.watch.delay_s > QUEUE_S_MAX:
                slot.close_listener()

    async def _end(self, slot: "_Slot") -> None:
        if slot.ended is None:
            return
        slot.terminate()
        done, _ = await asyncio.wait({slot.ended}, timeout=self._stop_s)
        if not done:
            log.warning("worker did not end in time", worker=slot.worker.number)
            slot.kill()
            await asyncio.wait({slot.ended})
        slot.take_end()


class _Slot:
    """One worker number: its process, its pipe and its listening socket."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.watch = Watch(now=monotonic())
        self.listener: socket.socket | None = None
        self.ended: asyncio.Task[bool] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.was_ready = False
        """Whether a process of this number ever answered requests."""
        self._beats = -1

    @property
    def pid(self) -> int | None:
        """Process id of the worker that runs."""
        return self._process.pid if self._process else None

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the worker."""
        assert self.listener is not None
        self._beats, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        listener_fd = self.listener.fileno()
        worker = Worker(
            self.worker.node_id, self.worker.number, self.worker.count, listener_fd, theirs
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **environment, **worker.environment()},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(listener_fd, theirs),
                preexec_fn=die_with_parent,
            )
        finally:
            os.close(theirs)
        asyncio.get_running_loop().add_reader(self._beats, self._on_beat)
        self.watch.started(now=monotonic())
        self.ended = asyncio.create_task(self._exited(self._process))

    def take_end(self) -> int | None:
        """The process is gone: make room for the next one; return its exit code."""
        assert self._process is not None
        asyncio.get_running_loop().remove_reader(self._beats)
        os.close(self._beats)
        code = self._process.returncode
        self._process = self.ended = None
        self.watch.ended(now=monotonic())
        return code

    def terminate(self) -> None:
        """Have it drain and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def close_listener(self) -> None:
        """Take no more connections for it; idempotent."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _on_beat(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._beats, 4_096)
            if data:
                self.watch.beat(now=monotonic())
                self.was_ready = self.was_ready or READY in data
            else:  # it closed the pipe: it ends, or is no worker of ours
                asyncio.get_running_loop().remove_reader(self._beats)

    @staticmethod
    async def _exited(process: asyncio.subprocess.Process) -> bool:
        await process.wait()
        return True
