"""Runs the program under uvicorn: one port for HTTP and WebSocket, orderly start and stop."""

import contextlib
import errno
import gc
import os
import socket
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn

from server.app import Program, build
from server.errors import OperatorError
from server.net.protocol import http_protocol
from server.ops.drain import drain
from server.ops.logs import configure_logs
from server.settings import Settings, unknown_names

STOP_TIMEOUT_S = 5
BACKLOG = 2_048
GC_YOUNG_MAX = 10_000
"""New objects after which the collector looks at them. At its own 700 it takes 6 % of a rush."""
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

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals for good: raised again, they would end us before we have closed."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

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
    for name, resembles in unknown_names(os.environ).items():
        log.warning("this is no setting and changes nothing", name=name, resembles=resembles)
    with contextlib.closing(_listen(settings)) as listener:
        async with build(settings) as program:
            await _serve(program, listener, on_ready, on_stop)
    log.info("stopped")


async def _serve(
    program: Program,
    listener: socket.socket,
    on_ready: Callable[[Program], Awaitable[None]] | None,
    on_stop: Callable[[], Awaitable[None]] | None,
) -> None:
    settings = program.services.settings
    config = uvicorn.Config(
        program.app,
        ws=program.websocket,
        http=http_protocol(program.services.connections, direct=program.direct),
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
        gc.set_threshold(GC_YOUNG_MAX)
        log.info("ready", port=settings.port, ice_port=settings.ice_port)
        if on_ready:
            await on_ready(program)

    async def stop() -> None:
        if on_stop:
            await on_stop()
        await drain(program.services, program.websocket.shared.drain_all)
        # Media ends first: open event streams of players would delay the stop.
        program.services.flv.close()
        await program.services.media.close()

    async with program.services.connections.sweeping():
        await Server(config, ready, stop).serve([listener])


def _listen(settings: Settings) -> socket.socket:
    """Bind the TCP port before anything else starts, so that a taken port is the first error.

    `::` is every address of both families.
    """
    host, port = settings.host, settings.port
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise OperatorError(f"LINLI_HOST: {host!r} is no address of this machine.") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise OperatorError(f"LINLI_HOST: this machine has no address {host}.") from None
        raise OperatorError(
            f"Port {port} on {host} cannot be opened ({error.strerror}). "
            "Set LINLI_PORT to another one."
        ) from None
    listener.listen(BACKLOG)
    return listener
