"""Where the hop of each worker is, and the secret that opens it: a port, and one in memory."""

import secrets
from dataclasses import dataclass
from typing import Protocol

SECRET_BYTES = 32
ROW_TTL_S = 15.0
# An association has keys of its own; a secret only begins one.
SECRET_LIFE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Secret:
    """What the keys of associations are derived from, and its name on the wire."""

    key_id: int
    value: bytes

    @classmethod
    def draw(cls) -> "Secret":
        """Return a new one."""
        return cls(secrets.randbits(32), secrets.token_bytes(SECRET_BYTES))

    def __repr__(self) -> str:
        return f"Secret({self.key_id})"


@dataclass(frozen=True, slots=True)
class HopRow:
    """One worker's row: where its socket is reached, on this node and from others."""

    worker: str
    host: str
    port: int
    secret: Secret


class DirectoryUnavailable(ConnectionError):
    """The rows cannot be reached now."""


class HopDirectory(Protocol):
    """The rows of all workers; each is kept for `ROW_TTL_S` after it was written last.

    All methods raise `DirectoryUnavailable`.
    """

    async def write(self, row: HopRow) -> None:
        """Write this worker's row."""

    async def find(self, worker: str) -> HopRow | None:
        """Return a worker's row; None: it has none."""

    async def remove(self, worker: str) -> None:
        """Take this worker's row away."""


class MemoryDirectory:
    """Rows of workers in one process."""

    def __init__(self) -> None:
        self.rows: dict[str, HopRow] = {}

    async def write(self, row: HopRow) -> None:
        """See `HopDirectory.write`."""
        self.rows[row.worker] = row

    async def find(self, worker: str) -> HopRow | None:
        """See `HopDirectory.find`."""
        return self.rows.get(worker)

    async def remove(self, worker: str) -> None:
        """See `HopDirectory.remove`."""
        self.rows.pop(worker, None)
