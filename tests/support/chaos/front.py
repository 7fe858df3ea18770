"""The balancer in front of both nodes, by readiness, as docs/deploy/Caddyfile.nodes sets one up.

A front prefers one node and takes the other while that one is not ready. Two fronts, one for each
preference, make hosts and viewers begin where the run wants them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError

HEALTH_INTERVAL_S = 2.0
HEALTH_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 1.0
READ_BYTES = 65_536
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Upstream:
    """A node as the balancer knows it."""

    name: str
    host: str
    port: int
    ready: bool = False


class Balancer:
    """Knows which nodes are ready; `front` opens a port for one preference."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self._upstreams = list(upstreams)

    def all_ready(self) -> bool:
        """Whether every node is."""
        return all(upstream.ready for upstream in self._upstreams)

    async def watch(self) -> None:
        """Ask each node whether it is ready, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for upstream in self._upstreams:
                tasks.create_task(self._watch(upstream))

    @contextlib.asynccontextmanager
    async def front(self, preferred: str) -> AsyncIterator[str]:
        """Yield the base URL of a port whose connections go to `preferred` if they can."""
        order = sorted(self._upstreams, key=lambda each: each.name != preferred)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                await self._serve(order, reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(
        self, order: list[Upstream], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for upstream in order:
            if not upstream.ready:
                continue
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    there = await asyncio.open_connection(upstream.host, upstream.port)
            except OSError:  # TimeoutError is one
                upstream.ready = False
                continue
            await _join((reader, writer), there)
            return
        writer.write(UNAVAILABLE)
        await writer.drain()

    async def _watch(self, upstream: Upstream) -> None:
        http = PlainHttp(f"http://{upstream.host}:{upstream.port}")
        while True:
            try:
                async with asyncio.timeout(HEALTH_TIMEOUT_S):
                    answer = await http.request("GET", "/readyz")
                upstream.ready = answer.status == 200
            except (LoadError, TimeoutError):
                upstream.ready = False
            await asyncio.sleep(HEALTH_INTERVAL_S)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _join(one: Streams, other: Streams) -> None:
    """Pass bytes both ways until either side ends."""
    ways = [
        asyncio.ensure_future(_pass(one[0], other[1])),
        asyncio.ensure_future(_pass(other[0], one[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for _, writer in (one, other):
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
