"""`/healthz`: the worker answers. `/readyz`: Redis and the record answer, too. `/metrics`."""

import asyncio

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.ops.metrics import render
from server.problem import Problem
from server.services import Services

TIMEOUT_S = 2.0
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: Request) -> Response:
    """The event loop turns."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Everything that an order needs answers in time."""
    services: Services = request.app.state.services
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await services.redis.ping()
            async with services.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
    except (RedisError, SQLAlchemyError, OSError, TimeoutError) as error:
        raise Problem(503, "not-ready", "Not ready.", type(error).__name__) from None
    return PlainTextResponse("ready\n")


async def metrics(request: Request) -> Response:
    """Counters and gauges of this worker."""
    return Response(await render(request.app.state.services), media_type=PROMETHEUS_TEXT)
