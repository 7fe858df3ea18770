"""A bad network between browsers and server: a UDP proxy on loopback around media/emulator.

Linux' own netem needs root and a kernel with it (tests/support/router.py); this needs nothing. A
page whose context has `script` among its init scripts sends and receives all its media through the
proxy: it finds the proxy's port in place of the server's in the answer's candidates. That is all it
takes, since an ICE-lite server learns where its peers are from their checks.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from media.emulator import Conditions, EmulatedLink, LinkCounts

SEED = 20
CLIENTS_MAX = 64
READS_MAX = 256  # datagrams per wake-up
DATAGRAM_BYTES_MAX = 2_048
LOOPBACK = "127.0.0.1"
Address = tuple[str, int]

# Of RFC 8839 section 5.1: foundation, component, transport, priority, address, port.
_SCRIPT = r"""
{
  const set = RTCPeerConnection.prototype.setRemoteDescription
  RTCPeerConnection.prototype.setRemoteDescription = function (description, ...rest) {
    const candidate = /^(a=candidate:\S+ \d+ udp \d+ \S+) \d+( typ host)/gim
    const sdp = description.sdp.replace(candidate, '$1 PORT$2')
    return set.call(this, { type: description.type, sdp }, ...rest)
  }
}
"""


class Network:
    """A proxy in front of the server's UDP port; `up` and `down` may be changed while it runs."""

    def __init__(self, server_port: int, up: Conditions, down: Conditions, random: Random) -> None:
        self.up = up
        self.down = down
        self._server: Address = (LOOPBACK, server_port)
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._socket = _bound()
        self.port: int = self._socket.getsockname()[1]
        self._clients: dict[Address, _Client] = {}
        self._loop.add_reader(self._socket, self._readable)

    @property
    def script(self) -> str:
        """What leads a page's WebRTC through here; an init script for its browser context."""
        return _SCRIPT.replace("PORT", str(self.port))

    @property
    def counts_up(self) -> LinkCounts:
        """What became of the datagrams from clients to the server."""
        return _sum([client.up.link.counts for client in self._clients.values()])

    @property
    def counts_down(self) -> LinkCounts:
        """What became of the datagrams from the server to clients."""
        return _sum([client.down.link.counts for client in self._clients.values()])

    @property
    def queue_s(self) -> float:
        """How long what the server sends now waits for the wire, where that has a rate."""
        queued = max(
            (client.down.link.queued_bytes for client in self._clients.values()), default=0
        )
        return queued * 8 / self.down.rate_bps if self.down.rate_bps else 0.0

    def close(self) -> None:
        """Drop everything that is in flight, and close all sockets."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for client in self._clients.values():
            client.close()

    def _readable(self) -> None:
        for datagram, address in _received(self._socket):
            client = self._clients.get(address)
            if client is None:
                assert len(self._clients) < CLIENTS_MAX
                client = self._clients[address] = self._new_client(address)
            client.up.send(datagram)

    def _new_client(self, address: Address) -> "_Client":
        up, down = self._link(self.up), self._link(self.down)
        return _Client(
            self._server, up, down, lambda datagram: self._socket.sendto(datagram, address)
        )

    def _link(self, conditions: Conditions) -> EmulatedLink:
        return EmulatedLink(conditions, Random(self._random.random()))


class _Client:
    """One address of a browser's: a socket towards the server and a link for each direction."""

    def __init__(
        self,
        server: Address,
        up: EmulatedLink,
        down: EmulatedLink,
        deliver: Callable[[bytes], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = _bound()
        self._socket.connect(server)
        self.up = Direction(up, self._send)
        self.down = Direction(down, deliver)
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        self.up.close()
        self.down.close()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except ConnectionRefusedError:
            pass  # the server is down, and the datagram lost

    def _readable(self) -> None:
        for datagram, _ in _received(self._socket):
            self.down.send(datagram)


class Direction:
    """A link in real time: `deliver` gets each datagram that arrives."""

    def __init__(self, link: EmulatedLink, deliver: Callable[[bytes], object]) -> None:
        self.link = link
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, datagram: bytes) -> None:
        self.link.send(datagram, now=self._loop.time())
        self._drain()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _drain(self) -> None:
        for datagram in self.link.ready(now=self._loop.time()):
            self._deliver(datagram)
        self.close()
        at = self.link.next_timer()
        self._timer = None if at is None else self._loop.call_at(at, self._drain)


@asynccontextmanager
async def network(
    server_port: int,
    *,
    up: Conditions | None = None,
    down: Conditions | None = None,
    seed: int = SEED,
) -> AsyncIterator[Network]:
    """A proxy in front of `server_port`; a direction without conditions is a good one."""
    proxy = Network(server_port, up or Conditions(), down or Conditions(), Random(seed))
    try:
        yield proxy
    finally:
        proxy.close()


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((LOOPBACK, 0))
    return sock


def _received(sock: socket.socket) -> list[tuple[bytes, Address]]:
    out: list[tuple[bytes, Address]] = []
    while len(out) < READS_MAX:
        try:
            out.append(sock.recvfrom(DATAGRAM_BYTES_MAX))
        except (BlockingIOError, ConnectionRefusedError):
            break
    return out


def _sum(counts: list[LinkCounts]) -> LinkCounts:
    return LinkCounts(
        sent=sum(one.sent for one in counts),
        lost=sum(one.lost for one in counts),
        dropped=sum(one.dropped for one in counts),
        delivered=sum(one.delivered for one in counts),
    )
