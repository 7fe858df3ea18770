"""Runs the program under uvicorn: one port for HTTP and WebSocket, orderly start and stop."""

import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable

import structlog
import uvicorn

from server.app import Program, build
from server.errors import OperatorError
from server.net.protocol import http_protocol
from server.ops.logs import configure_logs
from server.settings import Settings

STOP_TIMEOUT_S = 5
BACKLOG = 2_048
RECEIVE_BUFFER_BYTES = 64 * 1024
"""Of the kernel, per connection: what a client sends and nobody reads yet. Requests are small."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server, with callbacks after its start and before its stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], Awaitable[None]],
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._on_stop()
        await super().shutdown(sockets)


async def serve(
    settings: Settings,
    on_ready: Callable[[Program], Awaitable[None]] | None = None,
    on_stop: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    `on_ready` runs once requests are answered, `on_stop` while they still are.

    Raises:
        OperatorError: A port is taken, or the embedded Valkey cannot run.
    """
    configure_logs(settings)
    listener = _listen(settings)
    async with build(settings) as program:
        config = uvicorn.Config(
            program.app,
            ws=program.websocket,
            http=http_protocol(program.services.connections),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
        )

        async def ready() -> None:
            # What the program is made of stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            log.info("ready", port=settings.port, ice_port=settings.ice_port)
            if on_ready:
                await on_ready(program)

        async def stop() -> None:
            if on_stop:
                await on_stop()
            # Media ends first: open event streams of players would delay the stop.
            await program.services.media.close()

        with contextlib.closing(listener):
            async with program.services.connections.sweeping():
                await Server(config, ready, stop).serve([listener])
    log.info("stopped")


def _listen(settings: Settings) -> socket.socket:
    """Bind the TCP port before anything else starts, so that a taken port is the first error."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Port {settings.port} on {settings.host} cannot be opened ({error.strerror}). "
            "Set LINLI_PORT to another one."
        ) from None
    listener.listen(BACKLOG)
    return listener
