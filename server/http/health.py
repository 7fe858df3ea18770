"""`/healthz`: the worker answers. `/readyz`: Redis and the record answer, too. `/metrics`."""

import asyncio
import hmac

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.net.addresses import is_loopback
from server.ops.metrics import merge, render
from server.problem import Problem
from server.services import Services
from server.worker import PASSED

TIMEOUT_S = 2.0
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: Request) -> Response:
    """The event loop turns."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Everything that an order needs answers in time."""
    services: Services = request.app.state.services
    if services.media.draining:
        raise Problem(503, "not-ready", "Not ready.", "This worker drains.")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await services.redis.ping()
            async with services.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
    except (RedisError, SQLAlchemyError, OSError, TimeoutError) as error:
        raise Problem(503, "not-ready", "Not ready.", type(error).__name__) from None
    return PlainTextResponse("ready\n")


async def metrics(request: Request) -> Response:
    """Figures of this node's workers, for who has the token or asks from this machine itself.

    Raises:
        Problem: 403 `forbidden`.
    """
    services: Services = request.app.state.services
    if PASSED in request.scope:
        return Response(await render(services, shared=False), media_type=PROMETHEUS_TEXT)
    if not _may_read_metrics(request):
        raise Problem(
            403,
            "forbidden",
            "Figures are for the operator.",
            "Send LINLI_METRICS_TOKEN as a bearer token; without one, ask from this machine.",
        )
    own, others = await asyncio.gather(render(services), services.ask_siblings("/metrics"))
    return Response(merge([own, *others]), media_type=PROMETHEUS_TEXT)


def _may_read_metrics(request: Request) -> bool:
    services: Services = request.app.state.services
    token = services.settings.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    # A proxy on this machine says for whom it asks; that is not this machine.
    asked_for_others = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return not asked_for_others and is_loopback(request.client.host if request.client else "")
