"""uvicorn's server, for tests: it starts and ends without looking only every 0.1 s."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

from tests.support.waiting import wait_until

_LOOK_S = 0.005


class QuickServer(uvicorn.Server):
    """Answers as uvicorn's does; its two waits of 0.1 s at the end would be most of a test."""

    async def main_loop(self) -> None:
        await self.on_tick(0)  # the default headers
        while not self.should_exit:  # noqa: ASYNC110 - uvicorn's flag, not an event of ours
            await asyncio.sleep(_LOOK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        async with asyncio.timeout(self.config.timeout_graceful_shutdown):
            while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
        for server in self.servers:
            await server.wait_closed()


@contextlib.asynccontextmanager
async def started(config: uvicorn.Config) -> AsyncIterator[QuickServer]:
    """Yield a server that answers; it has ended at the end."""
    server = QuickServer(config)
    # Not `serve()`: that would take the test run's signal handlers.
    task = asyncio.create_task(server._serve())
    try:
        await wait_until(lambda: server.started, what="the server")
        yield server
    finally:
        server.should_exit = True
        await task
