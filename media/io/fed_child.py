"""A process of our own that is fed a live as FLV: at low priority, restarted when it ends.

The child gets one greeting, then an FLV stream, on its standard input; what it writes comes back.
Neither its death nor its slowness touches the live: what it does not take in time it misses, up to
a key frame, and after its death another one begins with the newest GOP.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import structlog

import media
from media.packaging.flv_muxer import FlvMuxer, FlvPiece
from media.packaging.muxer import Muxer

# Waiting to be read by the child, beyond the GOP it began with: some seconds.
WAITING_BYTES_MAX = 4 << 20
RESTART_S_MIN, RESTART_S_MAX = 1.0, 60.0
LASTED_S = 30.0  # a child that lived so long is restarted soon
NICE = 10
_ROOT = Path(media.__file__).parent.parent
# What a child needs of our environment, which has secrets.
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")

log = structlog.get_logger()


class FedChild:
    """Attach `muxer` to a packaged stream; `close` ends the child.

    Args:
        module: What to run, as with `python -m`.
        greeting: What the child gets first; it may hold a secret, since nobody else can read it.
        on_output: Called with each piece that the child writes.
        on_start: Called before a child begins.
        on_end: Called when one has ended, with its exit code.
    """

    def __init__(
        self,
        module: str,
        greeting: bytes,
        on_output: Callable[[bytes], None],
        *,
        on_start: Callable[[], None] = lambda: None,
        on_end: Callable[[int], None] = lambda code: None,
    ) -> None:
        self.restarts = 0
        self._module = module
        self._greeting = greeting
        self._on_output = on_output
        self._on_start = on_start
        self._on_end = on_end
        self.flv = FlvMuxer(self._feed, lambda: None)
        self._stdin: asyncio.WriteTransport | None = None
        self._limit = 0
        self._skips = False
        self._task = asyncio.create_task(self._keep_running(), name=f"child {module}")

    @property
    def muxer(self) -> Muxer:
        """Takes the media."""
        return self.flv

    async def close(self) -> None:
        """End the child; idempotent."""
        if not self._task.cancelling():  # a second time would not wait for the child's end
            self._task.cancel()
        await asyncio.wait([self._task])

    def _feed(self, piece: FlvPiece) -> None:
        stdin = self._stdin
        if stdin is None or stdin.is_closing():
            return
        if self._limit == 0:
            if piece.key:
                self._begin(stdin)
        elif stdin.get_write_buffer_size() > self._limit:
            self._skips = True
        elif not self._skips or piece.key:
            self._skips = False
            stdin.write(piece.data)

    def _begin(self, stdin: asyncio.WriteTransport) -> None:
        start = self.flv.start
        self._limit = len(start) + WAITING_BYTES_MAX
        stdin.write(start)

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = RESTART_S_MIN
        while True:
            began = loop.time()
            async with self._running() as process:
                await self._read(process)
                code = await process.wait()
            self._on_end(code)
            lasted = loop.time() - began > LASTED_S
            wait_s = RESTART_S_MIN if lasted else min(RESTART_S_MAX, wait_s * 2)
            log.warning("a child of a live ended", module=self._module, code=code, again_s=wait_s)
            await asyncio.sleep(wait_s)
            self.restarts += 1

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        self._on_start()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        started = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment | {"PYTHONPATH": str(_ROOT)},
                start_new_session=True,  # Ctrl-C is for us
            )
        )
        try:
            process = await asyncio.shield(started)
        except asyncio.CancelledError:
            # What is cancelled while it starts would be left behind as a zombie.
            process = await started
            process.kill()
            await process.wait()
            raise
        try:
            assert process.stdin is not None
            self._stdin = process.stdin.transport
            self._limit, self._skips = 0, False
            self._stdin.write(self._greeting)
            if self.flv.begun:
                self._begin(self._stdin)
            yield process
        finally:
            if self._stdin is not None:
                self._stdin.close()
                self._stdin = None
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(1 << 16):
            self._on_output(data)


def lower_priority() -> None:
    """Let the server and everybody else go first; called in the child."""
    os.nice(NICE)
