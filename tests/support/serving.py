"""Runs a Starlette application of a test's own at a free port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from tests.support.quick_server import started
from tests.support.waiting import free_port


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
    async with started(config):
        yield f"http://127.0.0.1:{port}"
