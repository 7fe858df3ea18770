"""A PostgreSQL of the test's own, that can be killed and started again on the same data."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

USER = "linli"
START_S = 120.0


class Postgres:
    """One server with a superuser `linli` and no password; `folder` is to be empty and short.

    It writes nothing through to the disk: data outlive its processes, not the machine.
    """

    def __init__(
        self, folder: Path, port: int, *, host: str = "127.0.0.1", clients: str = ""
    ) -> None:
        """`host` is what it listens on, `clients` a network that may connect to it, too.

        Raises:
            FileNotFoundError: PostgreSQL is not installed.
        """
        self._home = _binaries()
        self._data = folder / "data"
        self._host = host
        self._clients = clients
        self.port = port
        # initdb refuses root, so the server runs as an ordinary user where we are root.
        self._user = "postgres" if os.getuid() == 0 else None
        self._group = pwd.getpwnam(self._user).pw_gid if self._user else None
        self._child: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the data, once."""
        self._data.parent.chmod(0o755)
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user)
        subprocess.run(
            [f"{self._home}/initdb", "-D", self._data, "-A", "trust", "-U", USER, "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
            user=self._user,
            group=self._group,
        )
        if self._clients:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {self._clients} trust\n")

    def start(self) -> None:
        """Start and wait until it answers."""
        self._child = subprocess.Popen(
            [f"{self._home}/postgres", "-D", f"{self._data}", "-p", str(self.port)]
            + ["-k", f"{self._data}", "-h", self._host, "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self._user,
            group=self._group,
        )
        deadline = time.monotonic() + START_S
        command = [f"{self._home}/pg_isready", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(command, capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL did not start")
            time.sleep(0.05)

    def query(self, statement: str) -> None:
        """Run a statement in the database `postgres`."""
        subprocess.run(
            ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", "postgres"]
            + ["-qc", statement],
            check=True,
            capture_output=True,
        )

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        if self._child is not None:
            children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text()
            self._child.kill()
            for pid in children.split():  # each is of a session of its own
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            self._child.wait(START_S)
            self._child = None

    def stop(self) -> None:
        """End it at once: what it holds need not reach the disk."""
        if self._child is not None:
            self._child.send_signal(signal.SIGQUIT)
            self._child.wait(START_S)
            self._child = None


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    control = shutil.which("pg_ctl")
    if control is None:
        raise FileNotFoundError("PostgreSQL is missing; `make test` installs it with apt")
    return Path(control).parent
