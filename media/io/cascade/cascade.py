"""The cascade of a worker: its socket of the hop, the edges that it serves, those that it is.

Call `run` in the background: it writes the worker's row and draws new secrets.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from media.cascade.tree import FANOUT, Capacity
from media.errors import Malformed, MalformedHop
from media.forwarding.lives import Lives
from media.io.cascade.directory import (
    ROW_TTL_S,
    SECRET_LIFE_S,
    DirectoryUnavailable,
    HopDirectory,
    HopRow,
    Secret,
)
from media.io.cascade.edges import Edges
from media.io.cascade.links import FindOrigin, ParentFinder
from media.io.cascade.origins import Origins
from media.io.cascade.sender import RunSender
from media.io.webrtc.udp import open_socket
from media.wire import hop
from media.wire.address import Address

TICK_S = 0.020
IDLE_TICK_S = 0.250
READS_MAX = 256
DATAGRAM_BYTES_MAX = 2_048
ROW_WRITES_PER_TTL = 3
REMOVE_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CascadeStats:
    """Figures since the start; `edges` and those after it are of now."""

    packets_out: int
    packets_in: int
    nacks_out: int
    nacks_in: int
    resent: int
    unsent: int
    rejected: int
    edges: int  # lives of other workers here
    subscriptions: int  # edges that are served here
    depth: int  # the most hops from an origin to this worker
    round_trip_ms: float  # the longest to a parent


class Cascade:
    """Open with `open`, close with `close`."""

    def __init__(
        self,
        worker: str,
        host: str,
        sock: socket.socket,
        lives: Lives,
        directory: HopDirectory,
        find_origin: FindOrigin,
        fanout: int,
        capacity: Callable[[], Capacity],
    ) -> None:
        self.port: int = sock.getsockname()[1]
        self._worker = worker
        self._host = host
        self._sock = sock
        self._directory = directory
        self._secrets = [Secret.draw()]  # the newest first
        self._counted: Counter[str] = Counter()
        sender = RunSender(sock, self._counted)
        self.origins = Origins(worker, lives, self, sender, self._counted, fanout, capacity)
        finder = ParentFinder(worker, sock.family, directory, find_origin, sender)
        self.edges = Edges(
            worker, lives, finder, sender, self._counted, self.origins.below, capacity
        )  # fmt: skip
        self.origins.elsewhere = self.edges
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        worker: str,
        host: str,
        port: int,
        lives: Lives,
        directory: HopDirectory,
        find_origin: FindOrigin,
        *,
        fanout: int = FANOUT,
        capacity: Callable[[], Capacity] = Capacity,
    ) -> "Cascade":
        """Bind UDP `port` (0: any), which others reach at `host`; serve `fanout` edges of a live.

        Raises:
            OSError: The port is taken.
        """
        sock = open_socket(port)
        cascade = cls(worker, host, sock, lives, directory, find_origin, fanout, capacity)
        cascade._loop.add_reader(cascade._sock, cascade._readable)
        cascade._tick()
        return cascade

    async def close(self) -> None:
        """Let all edges go; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.edges.close()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    async def run(self) -> None:
        """Keep this worker's row until cancelled, then take it away."""
        # On Python 3.11 redis-py may swallow a cancellation that comes with a reply.
        task = asyncio.current_task()
        try:
            drawn_at = monotonic()
            while not self._closed and not (task and task.cancelling()):
                if monotonic() - drawn_at > SECRET_LIFE_S:
                    drawn_at = monotonic()
                    self._secrets = [Secret.draw(), self._secrets[0]]
                with contextlib.suppress(DirectoryUnavailable):
                    await self.write_row()
                await asyncio.sleep(ROW_TTL_S / ROW_WRITES_PER_TTL)
        finally:
            with contextlib.suppress(DirectoryUnavailable, TimeoutError):
                async with asyncio.timeout(REMOVE_S):
                    await self._directory.remove(self._worker)

    async def write_row(self) -> None:
        """Write where this worker's hop is; raises `DirectoryUnavailable`."""
        row = HopRow(self._worker, self._host, self.port, self._secrets[0])
        await self._directory.write(row)

    def secret(self, key_id: int) -> Secret | None:
        """Return the secret of an id that is in use: the newest, or the one before."""
        return next((each for each in self._secrets if each.key_id == key_id), None)

    def stats(self) -> CascadeStats:
        """Return the worker's figures."""
        counted = self._counted
        return CascadeStats(
            packets_out=counted["hop_packets_out"],
            packets_in=counted["hop_packets_in"],
            nacks_out=counted["hop_nacks_out"],
            nacks_in=counted["hop_nacks_in"],
            resent=counted["hop_resent"],
            unsent=counted["hop_unsent"],
            rejected=counted["hop_rejected"],
            edges=self.edges.count,
            subscriptions=self.origins.edges,
            depth=self.edges.depth,
            round_trip_ms=round(self.edges.round_trip_s * 1e3, 2),
        )

    def _readable(self) -> None:
        self._read()
        self.edges.deliver()

    def _read(self) -> None:
        receive = self._sock.recvfrom
        for _ in range(READS_MAX):
            try:
                datagram, address = receive(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP error of something that was sent
                self._counted["hop_unsent"] += 1
                return
            try:
                self._take(datagram, address)
            except Malformed:
                self._counted["hop_rejected"] += 1

    def _take(self, datagram: bytes, address: Address) -> None:
        kind = hop.kind_of(datagram)
        if kind == hop.MEDIA:
            self.edges.on_media(datagram)
        elif kind == hop.CONTROL:
            header = hop.control_header(datagram)
            if self.origins.has(header.association):
                self.origins.on_message(header, datagram, address)
            elif self.edges.has(header.association):
                self.edges.on_message(header, datagram, address)
            else:
                raise MalformedHop("no such association")
        elif kind == hop.HELLO:
            self.origins.on_hello(datagram, address)
        else:
            self.edges.on_welcome(datagram)

    def _tick(self) -> None:
        idle = self.origins.idle and self.edges.idle
        self._timer = self._loop.call_later(IDLE_TICK_S if idle else TICK_S, self._tick)
        if not idle:
            now = monotonic()
            self.origins.tick(now=now)
            self.edges.tick(now=now)
