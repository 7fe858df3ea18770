"""Runs a Starlette application of a test's own at a free port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from tests.support.waiting import free_port, wait_until


@contextlib.asynccontextmanager
async def serving(
    app: Starlette, port: int | None = None, http: type[asyncio.Protocol] | None = None
) -> AsyncIterator[str]:
    """Yield the base URL at which `app` answers, by another protocol than uvicorn's if given."""
    port = port or free_port()
    config = uvicorn.Config(
        app,
        port=port,
        log_level="warning",
        lifespan="off",
        ws="none",
        http=http or "auto",
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    # Not `serve()`: that would take the test run's signal handlers.
    task = asyncio.create_task(server._serve())
    await wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
