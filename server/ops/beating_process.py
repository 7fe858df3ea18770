"""A process of this program that writes to a pipe all the time, so that it can be watched."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic

from server.ops.activity import activity
from server.ops.beats import ENDS, OPENS, READY
from server.ops.children import die_with_parent
from server.ops.supervision import SILENT_S_MAX, Watch
from server.worker import Worker


class BeatingProcess:
    """One process after the other in the same place; `watch` says what to do with it."""

    def __init__(self, worker: Worker, silent_s_max: float = SILENT_S_MAX) -> None:
        self.worker = worker
        self.watch = Watch(now=monotonic(), silent_s_max=silent_s_max)
        self.ended: asyncio.Task[bool] | None = None
        self.was_ready = False
        """Whether a process of this place ever was ready."""
        self.is_ready = False
        self._process: asyncio.subprocess.Process | None = None
        self._beats = -1

    @property
    def pid(self) -> int | None:
        """Id of the process that runs."""
        return self._process.pid if self._process else None

    async def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        listener_fd: int | None = None,
    ) -> None:
        """Start the process, with a listening socket if it is to answer requests."""
        self._beats, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        worker = replace(self.worker, listener_fd=listener_fd, beat_fd=theirs)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **environment, **worker.environment()},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs,) if listener_fd is None else (listener_fd, theirs),
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
        self.is_ready = False
        self.watch.ended(now=monotonic())
        return code

    async def end(self, within_s: float) -> bool:
        """Have it end in order, by force after a time; return whether it did, or had before."""
        if self.ended is None:
            return True
        self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self.ended}, timeout=within_s)
        if not done:
            self.kill()
            await asyncio.wait({self.ended})
        self.take_end()
        return bool(done)

    def look(self) -> None:
        """Note what it does while its beats are missing."""
        if self._process is not None:
            self.watch.looked(activity(self._process.pid), now=monotonic())

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _on_beat(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._beats, 4_096)
            if data:
                self.watch.beat(now=monotonic())
                if OPENS in data:
                    self.watch.serves(True)
                if READY in data:
                    self.is_ready = self.was_ready = True
                if ENDS in data:
                    self.watch.serves(False)
            else:  # it closed the pipe: it ends, or is no process of ours
                asyncio.get_running_loop().remove_reader(self._beats)

    @staticmethod
    async def _exited(process: asyncio.subprocess.Process) -> bool:
        await process.wait()
        return True
