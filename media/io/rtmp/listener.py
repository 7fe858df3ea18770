"""The TCP listener for RTMP: its limits, its deadlines, its figures.

One sweep a second serves all connections: what is late or silent is closed, and publishers' clocks
go to viewers. Who may publish where is `authorize`'s to say.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from media.forwarding.encoder import Encoder
from media.io.rtmp.connection import RtmpConnection
from media.stream.layer import Layer
from media.stream.ports import Source

CONNECTIONS_MAX = 512
# That have not been allowed to publish yet, of one address.
WAITING_PER_ADDRESS_MAX = 8
SWEEP_INTERVAL_S = 1.0
BACKLOG = 128


class Plane(Protocol):
    """What the road needs of the media plane."""

    def publish_source(self, room_id: str, source: Source) -> None:
        """Give a live this source in place of the one it has."""

    def deliver(self, room_id: str, source: Source, layer: Layer) -> None:
        """Hand on what a layer of the source received."""

    def send_clock(self, room_id: str, encoder: Encoder) -> None:
        """Send viewers the encoder's clock."""

    def end_source(self, room_id: str, source: Source) -> None:
        """The source is over; idempotent."""


@dataclass(frozen=True, slots=True)
class RtmpStats:
    """Figures since the start; gauges where the name says so."""

    connections_open: int
    publishers: int
    bytes_in: int
    ended: dict[str, int]  # connections by the reason of their end


# Room of a stream key (address, key) → room; None: there is none. Raises TooManyAttempts.
Authorize = Callable[[str, str], Awaitable[str | None]]
# Those of some stream keys that are no longer good.
Ended = Callable[[Collection[str]], Awaitable[set[str]]]


class RtmpListener:
    """Open with `open`, close with `close`."""

    def __init__(self, plane: Plane, authorize: Authorize) -> None:
        self.plane = plane
        self.authorize = authorize
        self.ended: Counter[str] = Counter()
        self.bytes_in = 0
        # AAC → Opus, off the loop: 7 ms of CPU for a second of sound.
        self.pool = ThreadPoolExecutor(1, "rtmp-audio")
        self._connections: set[RtmpConnection] = set()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls, plane: Plane, authorize: Authorize, host: str, port: int, *, shared: bool = False
    ) -> "RtmpListener":
        """Listen; `shared`: with other processes of this user (SO_REUSEPORT).

        Raises:
            OSError: The port is taken.
        """
        listener = cls(plane, authorize)
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio's own socket at `::` would leave IPv4 out.
        sock = socket.create_server(
            (host, port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=host == "::",
            reuse_port=shared,
        )
        listener._server = await loop.create_server(
            lambda: RtmpConnection(listener), sock=sock, backlog=BACKLOG
        )
        listener._timer = loop.call_later(SWEEP_INTERVAL_S, listener._sweep)
        return listener

    @property
    def port(self) -> int:
        """The TCP port that is listened on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def admit(self, connection: RtmpConnection) -> bool:
        """Whether one more connection of its address may stay."""
        waiting = sum(
            other.address == connection.address and not other.publishing
            for other in self._connections
        )
        if len(self._connections) >= CONNECTIONS_MAX or waiting >= WAITING_PER_ADDRESS_MAX:
            self.ended["too many connections"] += 1
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: RtmpConnection, reason: str) -> None:
        """A connection that was admitted is over."""
        self._connections.discard(connection)
        self.ended[reason] += 1

    async def end_revoked(self, ended: Ended) -> None:
        """End the publishers whose stream key is no longer good, also one that is just checked."""
        keys = {each.key for each in self._connections if each.key}
        gone = await ended(keys) if keys else set()
        for each in [each for each in self._connections if each.key in gone]:
            each.end("key revoked")

    def stats(self) -> RtmpStats:
        """Return the figures."""
        return RtmpStats(
            connections_open=len(self._connections),
            publishers=sum(each.publishing for each in self._connections),
            bytes_in=self.bytes_in,
            ended=dict(self.ended),
        )

    async def close(self) -> None:
        """End all publishers and stop listening; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
        tasks = [task for each in list(self._connections) if (task := each.end("server stops"))]
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _sweep(self) -> None:
        now = monotonic()
        self._timer = asyncio.get_running_loop().call_later(SWEEP_INTERVAL_S, self._sweep)
        for connection in list(self._connections):
            connection.sweep(now=now)
