"""All routes, in the order in which they are tried, and what errors become."""

from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from commerce.io.record.engine import is_away
from rooms.log import LogUnavailable
from server.bridge.lease import LeasesUnavailable
from server.http.consent import loadtest_consent
from server.http.headers import SafeHeaders
from server.http.health import healthz, metrics, readyz
from server.http.hooks import cabinets as cabinet_readings
from server.http.hooks import payments as payment_hooks
from server.http.hooks import pos
from server.http.hq.registry import routes as hq_routes
from server.http.leader.registry import routes as leader_routes
from server.http.live import flv as flv_routes
from server.http.live import hls as hls_routes
from server.http.live import replay, restream, stream_keys, thumbnail, whip_whep
from server.http.pages import page_or_problem, page_routes
from server.http.share import card as share_card
from server.http.share import wechat
from server.http.shop import (
    activities,
    after_sales,
    cohosts,
    coupons,
    draws,
    facts,
    flash,
    guests,
    invites,
    moderation,
    next_rooms,
    orders,
    people,
    phones,
    pictures,
    pins,
    privacy,
    products,
    replays,
    rooms,
    schedule,
    shelves,
    split_orders,
    summaries,
)
from server.http.shop.notices import routes as notice_routes
from server.http.shop.push import routes as push_routes
from server.http.shop.wechat import routes as wechat_routes
from server.http.staff import (
    cabinets,
    claims,
    links,
    neighbours,
    packing,
    presales,
    prints,
    stock,
    stores,
    tills,
    totp,
)
from server.problem import Problem, internal_error_handler, problem_handler
from server.services import Services
from server.workers.passing import PassOn

log = structlog.get_logger()


def application(services: Services, pass_on: Callable[[ASGIApp], PassOn]) -> Starlette:
    """Return the application; `pass_on` wraps all its routes."""
    # Tried in this order for each request: what a rush asks for comes first.
    routes: list[BaseRoute] = [
        *orders.routes,
        *split_orders.routes,
        *whip_whep.routes,
        *after_sales.routes,
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/.well-known/linli-loadtest", loadtest_consent, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        *hls_routes.routes,
        *flv_routes.routes,
        *replay.routes,
        *stream_keys.routes,
        *restream.routes,
        *thumbnail.routes,
        *people.routes,
        *guests.routes,
        *phones.routes,
        *privacy.routes,
        *rooms.routes,
        *products.routes,
        *pictures.routes,
        *pins.routes,
        *activities.routes,
        *invites.routes,
        *flash.routes,
        *facts.routes,
        *schedule.routes,
        *summaries.routes,
        *share_card.routes,
        *wechat.routes,
        *coupons.routes,
        *draws.routes,
        *moderation.routes,
        *cohosts.routes,
        *shelves.routes,
        *next_rooms.routes,
        *replays.routes,
        *stores.routes,
        *packing.routes,
        *presales.routes,
        *prints.routes,
        *neighbours.routes,
        *claims.routes,
        *leader_routes,
        *notice_routes,
        *push_routes,
        *wechat_routes,
        *stock.routes,
        *tills.routes,
        *pos.routes,
        *payment_hooks.routes,
        *cabinet_readings.routes,
        *cabinets.routes,
        *links.routes,
        *totp.routes,
        *hq_routes,
        *page_routes(services.settings.web_dir),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            Problem: problem_handler,
            HTTPException: page_or_problem,
            RedisError: _redis_error_handler,
            LogUnavailable: _redis_error_handler,
            LeasesUnavailable: _redis_error_handler,
            SQLAlchemyError: record_error_handler,
            ClientDisconnect: _client_gone_handler,
            Exception: internal_error_handler,
        },
        middleware=[Middleware(SafeHeaders), Middleware(pass_on)],
    )
    app.state.services = services
    return app


async def _redis_error_handler(request: Request, error: Exception) -> Response:
    """Redis is away for a moment: nothing was half done, the client tries again."""
    log.warning("redis is away", path=request.url.path, error=type(error).__name__)
    return Problem(
        503,
        "try-again",
        "Temporarily unavailable.",
        "Nothing was lost; please try again.",
        headers={"Retry-After": "1"},
    ).response()


async def record_error_handler(request: Request, error: Exception) -> Response:
    """The record is away for a moment: what was committed stays, the client tries again.

    Any other error of SQL is a bug of ours.
    """
    assert isinstance(error, SQLAlchemyError)
    if not is_away(error):
        raise error
    log.warning("the record is away", path=request.url.path, error=type(error).__name__)
    return Problem(
        503,
        "try-again",
        "Temporarily unavailable.",
        "Please try again.",
        headers={"Retry-After": "1"},
    ).response()


async def _client_gone_handler(request: Request, error: Exception) -> Response:
    """The client left in the middle of its request: nobody reads this, and nothing is wrong."""
    return Response(status_code=400)
