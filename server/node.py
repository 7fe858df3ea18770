"""Runs a node: a supervisor and its workers (`LINLI_WORKERS`), or one worker without any.

What only some of these need is loaded there: a supervisor stays small.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from functools import partial

import structlog

from server.errors import OperatorError
from server.ops.listener import listen
from server.ops.logs import configure_logs
from server.ops.supervisor import Supervisor, workers_here
from server.settings import Settings
from server.worker import Worker, inherited

log = structlog.get_logger()


async def serve_node(settings: Settings) -> None:
    """Serve with as many workers as the settings say, until SIGINT or SIGTERM.

    Raises:
        OperatorError: A port is taken, or the embedded Valkey cannot run.
    """
    if "edge" not in settings.roles:
        from server.lake import run_insight

        await run_insight(settings)
        return
    if inherited().beat_fd is not None:
        await _serve(settings)
        return
    workers = workers_here(settings)
    if workers > 1:
        await supervise(settings, workers)
        return
    configure_logs(settings)
    cores = len(os.sched_getaffinity(0))
    if not settings.workers and cores > 1:
        log.info("one worker: more need LINLI_REDIS_URL and LINLI_DATABASE_URL", cores=cores)
    if settings.supervise and settings.port:
        await supervise_one(settings)
        return
    await _serve(settings)


async def supervise_one(settings: Settings) -> None:
    """Run a supervisor with one worker, which has all that a node has, until SIGINT or SIGTERM.

    Raises:
        OperatorError: The port is taken, or the worker cannot start.
    """
    listen(settings).close()
    shared = {"LINLI_PORT": str(settings.port), "LINLI_ROLES": ",".join(settings.roles)}
    await _run(Supervisor(1, partial(listen, settings, shared=True), shared, settings.drain_s))
    log.info("stopped")


async def supervise(settings: Settings, workers: int) -> None:
    """Run a supervisor with so many workers until SIGINT or SIGTERM.

    Raises:
        OperatorError: A port is taken, the embedded Valkey cannot run, or no worker can.
    """
    from server.ops.embedded import EmbeddedValkey
    from server.ops.insight_process import is_apart
    from server.ops.opening import open_data_folder, open_record, opening

    configure_logs(settings)
    if not settings.port:
        raise OperatorError("LINLI_PORT: workers share a port, 0 is none.")
    # Held by somebody else, SO_REUSEPORT or not, it cannot be bound without.
    listen(settings).close()
    open_data_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        roles = [role for role in settings.roles if role != "insight" or not is_apart(settings)]
        shared = {"LINLI_PORT": str(settings.port), "LINLI_ROLES": ",".join(roles)}
        redis_url = settings.redis_url
        if not redis_url:
            valkey = EmbeddedValkey(settings.data_dir)
            with opening("LINLI_DATA_DIR"):
                await valkey.start()
            stack.push_async_callback(valkey.stop)
            redis_url = shared["LINLI_REDIS_URL"] = valkey.url
        async with open_record(settings):
            pass  # the newest schema, once
        supervisor = Supervisor(
            workers, partial(listen, settings, shared=True), shared, settings.drain_s
        )
        if is_apart(settings):
            await stack.enter_async_context(_beside(settings, redis_url))
        await _run(supervisor)
    log.info("stopped")


async def _run(supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()


@contextlib.asynccontextmanager
async def _beside(settings: Settings, redis_url: str) -> AsyncIterator[None]:
    """The role insight, in a process of its own."""
    from server.ops.insight_process import InsightChild, environment

    child = InsightChild(Worker(), environment(settings, redis_url))
    task = asyncio.create_task(child.run(), name="insight")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _serve(settings: Settings) -> None:
    from server.run import serve  # all of the program, which a supervisor does not need

    await serve(settings)
