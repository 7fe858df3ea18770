"""A way to a server that can be closed: connections end, and new ones are refused.

It runs in a process of its own, so that what holds the interpreter's lock while it waits for the
server waits for nothing of this process.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from tests.support.waiting import free_port, wait_until

CHUNK_BYTES = 65_536
HOST = "127.0.0.1"


class ClosableProxy:
    """Carries TCP to a port of this machine while it is open; its own port stays the same."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self._to_port = to_port
        self._process: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        """Take connections."""
        ports = str(self.port), str(self._to_port)
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, *ports)
        await wait_until(self._answers)

    async def close(self) -> None:
        """End all connections and refuse new ones; idempotent."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, self.port)
            writer.close()
            return True
        return False


@contextlib.asynccontextmanager
async def closable_proxy(to_port: int) -> AsyncIterator[ClosableProxy]:
    """An open one for the block."""
    proxy = ClosableProxy(to_port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


async def _serve(port: int, to_port: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, to_port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, back))
            both.create_task(_pump(there, writer))

    server = await asyncio.start_server(carry, HOST, port)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
