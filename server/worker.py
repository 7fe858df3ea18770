"""Which worker this is: its node's id, its number on it, and what it inherits from its supervisor.

A worker's id is eight hexadecimal digits: six of its node, drawn at each start of the node, and two
of its number, which stays when the worker is started again.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

WORKERS_MAX = 64
NODE_DIGITS = 6
WORKER_DIGITS = 8
WORKER_ID = re.compile(r"[0-9a-f]{8}")
INSIGHT_NUMBER = 255
"""Of the process of the role insight, which is no worker: nobody reaches it."""
VARIABLE = "LINLI_WORKER"
PASSED = "linli.passed"
"""In the ASGI scope of a request that comes, signed, from another worker."""
# The kernel's limit for a Unix socket path is 108 bytes with the final NUL.
SOCKET_PATH_BYTES_MAX = 107


def draw_node_id() -> str:
    """Return the id of a node that starts."""
    return secrets.token_hex(NODE_DIGITS // 2)


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of a node. Alone, it has inherited nothing."""

    node_id: str = field(default_factory=draw_node_id)
    number: int = 0
    count: int = 1  # workers of the node
    listener_fd: int | None = None  # the listening socket of HTTP
    beat_fd: int | None = None  # a byte each half second there says that the event loop turns

    @property
    def id(self) -> str:
        """Return what is unique among all workers."""
        return f"{self.node_id}{self.number:02x}"

    def sibling(self, worker_id: str) -> int | None:
        """Return the number of another worker of this node; None: it is none."""
        if worker_id[:NODE_DIGITS] != self.node_id or not WORKER_ID.fullmatch(worker_id):
            return None
        number = int(worker_id[NODE_DIGITS:], 16)
        return number if number != self.number and number < self.count else None

    def environment(self) -> dict[str, str]:
        """Return what makes a child process this worker; see `inherited`."""
        fds = (-1 if fd is None else fd for fd in (self.listener_fd, self.beat_fd))
        return {VARIABLE: " ".join(map(str, (self.node_id, self.number, self.count, *fds)))}


def inherited(environment: Mapping[str, str] = os.environ) -> Worker:
    """Return the worker that the supervisor started here, or one that is alone."""
    text = environment.get(VARIABLE, "")
    if not text:
        return Worker()
    node_id, *numbers = text.split()
    number, count, listener_fd, beat_fd = map(int, numbers)
    fds = (None if fd < 0 else fd for fd in (listener_fd, beat_fd))
    return Worker(node_id, number, count, *fds)


def socket_path(data_dir: Path, number: int) -> Path:
    """Return the Unix socket at which a worker of the node answers the others."""
    folder = data_dir.resolve() / "workers"
    path = folder / f"{number}.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    # A deep data folder: its own inode number makes a short path.
    return Path(f"/tmp/linli-{os.getuid()}-{data_dir.stat().st_ino}-{number}.sock")
