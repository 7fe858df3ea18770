"""Where workers are: which one has a room's live, and at which address it answers."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from redis.exceptions import RedisError

from server.bridge.lease import Lease, LeasesUnavailable
from server.ops.heartbeat import Beat, Heartbeats
from server.settings import Settings
from server.worker import NODE_DIGITS, WORKER_DIGITS, Worker, socket_path

HOLDER_S = 1.0
"""How long it is taken that a live is where it was."""
NO_HOLDER_S = 0.1
"""The same of a room without a live: when one begins, all its viewers come at once."""
HOLDER_STALE_S = 10.0
ADDRESS_S = 10.0
KEPT_MAX = 10_000

Holder = Callable[[str], Awaitable[Lease | None]]


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where another worker is asked: its Unix socket, or the base URL of its node."""

    uds: str = ""
    url: str = ""

    @property
    def same_node(self) -> bool:
        """Whether it is a worker of this node."""
        return bool(self.uds)


class LiveOwners:
    """The worker of each room's live, by its lease."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._known: dict[str, tuple[float, str]] = {}

    async def worker_of(self, room_id: str) -> str:
        """Return the id of the worker with the live; "" if there is none."""
        now = monotonic()
        at, worker_id = self._known.get(room_id, (-HOLDER_STALE_S, ""))
        if now - at < (HOLDER_S if worker_id else NO_HOLDER_S):
            return worker_id
        try:
            lease = await self._holder(room_id)
        except LeasesUnavailable:
            return worker_id if now - at < HOLDER_STALE_S else ""
        if len(self._known) >= KEPT_MAX:
            self._known.clear()
        worker_id = lease.owner[:WORKER_DIGITS] if lease else ""
        self._known[room_id] = now, worker_id
        return worker_id

    def forget(self, room_id: str) -> None:
        """The worker had no such live: look again."""
        self._known.pop(room_id, None)


class Rows:
    """What all workers last wrote about themselves, read at most once in `HOLDER_S`."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._read: tuple[float, list[Beat]] = (-HOLDER_STALE_S, [])

    async def read(self) -> list[Beat]:
        """Return the rows; none while Redis is away."""
        now = monotonic()
        at, beats = self._read
        if now - at < HOLDER_S:
            return beats
        try:
            beats = await self._heartbeats.read()
        except (RedisError, OSError):
            beats = []
        self._read = now, beats
        return beats


class Addresses:
    """Where each worker answers, by its heartbeat."""

    def __init__(self, worker: Worker, data_dir: Path, heartbeats: Heartbeats) -> None:
        self._worker = worker
        self._data_dir = data_dir
        self._heartbeats = heartbeats
        self._known: dict[str, tuple[float, PeerAddress | None]] = {}

    def of_sibling(self, number: int) -> PeerAddress:
        """Return where a worker of this node answers."""
        return PeerAddress(uds=str(socket_path(self._data_dir, number)))

    async def find(self, worker_id: str) -> PeerAddress | None:
        """Return where another worker answers; None: there is none of that id."""
        number = self._worker.sibling(worker_id)
        if number is not None:
            return self.of_sibling(number)
        if worker_id[:NODE_DIGITS] == self._worker.node_id:
            return None
        now = monotonic()
        at, address = self._known.get(worker_id, (-ADDRESS_S, None))
        if now - at < (ADDRESS_S if address else HOLDER_S):
            return address
        try:
            beat = await self._heartbeats.find(worker_id)
        except (RedisError, OSError):
            return address
        if len(self._known) >= KEPT_MAX:
            self._known.clear()
        address = PeerAddress(url=beat.url) if beat and beat.url else None
        self._known[worker_id] = now, address
        return address


def node_url(settings: Settings) -> str:
    """Return where other nodes reach this one."""
    if settings.node_url:
        return settings.node_url.rstrip("/")
    host = settings.host
    if host in ("", "0.0.0.0", "::"):
        host = _outward_address()
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _outward_address() -> str:
    """Return this machine's address as others see it; no packet is sent for it."""
    for family, other in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((other, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"
