"""Runs one worker under uvicorn: one port for HTTP and WebSocket, orderly start and stop."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import cast

import structlog
import uvicorn

from server.app import Program, build
from server.net.protocol import http_protocol
from server.ops.beats import beating, report_opening, report_ready
from server.ops.drain import drain
from server.ops.listener import listen
from server.ops.logs import configure_logs
from server.settings import Settings, unknown_names
from server.worker import Worker, inherited, socket_path

STOP_TIMEOUT_S = 5
DATE_EVERY_S = 1.0  # the header of all answers
GC_YOUNG_MAX = 10_000
"""New objects after which the collector looks at them. At its own 700 it takes 6 % of a rush."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server, with callbacks before and after its start and before its stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_opening: Callable[[], None],
        on_ready: Callable[[], Awaitable[None]],
        on_stop: Callable[[], Awaitable[None]],
        peers_socket: Path | None = None,
    ) -> None:
        """The workers of this node ask at `peers_socket`."""
        super().__init__(config)
        self._peers_socket = peers_socket
        self._on_opening = on_opening
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._loop = asyncio.get_running_loop()
        self._asked_to_stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals for good: raised again, they would end us before we have closed."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # Called between two bytecodes of whatever runs.
        self._loop.call_soon_threadsafe(self._asked_to_stop.set)

    async def main_loop(self) -> None:
        """uvicorn's own looks ten times a second whether it is to stop, and once for the date."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_EVERY_S):
                    await self._asked_to_stop.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_opening()
        await super().startup(sockets)
        if self.started:
            if self._peers_socket is not None:
                await self._listen_to_peers(self._peers_socket)
            await self._on_ready()

    async def _listen_to_peers(self, path: Path) -> None:
        _make_way(path)
        protocol = partial(
            cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        server = await asyncio.get_running_loop().create_unix_server(protocol, path)
        self.servers.append(server)

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
    worker = inherited()
    configure_logs(settings)
    if worker.beat_fd is not None:
        structlog.contextvars.bind_contextvars(worker=worker.number)
    for name, resembles in unknown_names(os.environ).items():
        log.warning("this is no setting and changes nothing", name=name, resembles=resembles)
    with contextlib.closing(_listener(settings, worker)) as listener:
        async with beating(worker.beat_fd), build(settings, worker=worker) as program:
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

    def opening() -> None:
        # What the program is made of stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_YOUNG_MAX)
        report_opening(program.services.worker.beat_fd)

    async def ready() -> None:
        report_ready(program.services.worker.beat_fd)
        log.info("ready", port=settings.port, ice_port=program.services.media.port)
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
        await Server(config, opening, ready, stop, _peers_socket(program)).serve([listener])


def _make_way(path: Path) -> None:
    """Remove what a worker before left; only this user may reach what comes there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


def _peers_socket(program: Program) -> Path | None:
    worker = program.services.worker
    if worker.count == 1:
        return None
    return socket_path(program.services.settings.data_dir, worker.number)


def _listener(settings: Settings, worker: Worker) -> socket.socket:
    """Return the socket that the supervisor opened, or open one."""
    if worker.listener_fd is None:
        return listen(settings)
    return socket.socket(fileno=worker.listener_fd)
