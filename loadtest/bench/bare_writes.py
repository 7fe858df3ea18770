"""The yardstick of `linli bench fanout`: a process that only writes, a few bytes to everybody.

Its cost per write is the least that kernel and uvloop allow; a room server
cannot be below it.
"""

import asyncio
import os
import sys
import time
from typing import cast

import uvloop

from loadtest.measure.rig import SERVER_CORE, before_exec

TICK_S = 0.1
SLICE_SOCKETS = 200  # as the room server does it
CONNECT_TIMEOUT_S = 60.0


async def bare_write_us(count: int, size: int, seconds: float) -> float:
    """Return CPU µs per write of `size` bytes to each of `count` sockets, ten times a second."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtest.bench.bare_writes",
        *map(str, (count, size, seconds)),
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=lambda: before_exec(SERVER_CORE),
    )
    readers: list[asyncio.BaseTransport] = []
    try:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        loop = asyncio.get_running_loop()
        for number in range(count):
            # More sockets than one address has ports for.
            source = (f"127.1.{number // 20_000}.1", 0)
            reader, _ = await loop.create_connection(
                asyncio.Protocol, "127.0.0.1", port, local_addr=source
            )
            readers.append(reader)
        return float(await child.stdout.readline())
    finally:
        for transport in readers:
            transport.close()
        if child.returncode is None:
            child.kill()
        await child.wait()


class _Writers(list[asyncio.WriteTransport]):
    """The sockets, and when there are `count` of them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self.complete = asyncio.Event()

    def add(self, transport: asyncio.BaseTransport) -> None:
        self.append(cast("asyncio.WriteTransport", transport))
        if len(self) == self._count:
            self.complete.set()


class _Written(asyncio.Protocol):
    """One of the sockets."""

    def __init__(self, writers: _Writers) -> None:
        self._writers = writers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._writers.add(transport)


async def _write(count: int, size: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    writers = _Writers(count)
    server = await loop.create_server(lambda: _Written(writers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await writers.complete.wait()
    frame = os.urandom(size)
    ticks, began, cpu = 0, loop.time(), time.process_time()
    while loop.time() - began < seconds:
        for start in range(0, count, SLICE_SOCKETS):
            for transport in writers[start : start + SLICE_SOCKETS]:
                transport.write(frame)
            await asyncio.sleep(0)
        ticks += 1
        await asyncio.sleep(max(0.0, began + ticks * TICK_S - loop.time()))
    print((time.process_time() - cpu) / (ticks * count) * 1e6, flush=True)


if __name__ == "__main__":
    uvloop.run(_write(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
