"""Routes about one's own data: what is agreed to, everything as JSON, and its erasure."""

from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.people.consents import TEXTS
from media.errors import BlobsAway
from server.access.policy import Action, require
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.ops.pictures import claim_photos_of

log = structlog.get_logger()


class Erasure(Body):
    """What makes sure that nobody is erased by accident."""

    erase: Literal["everything"]


async def texts(request: Request) -> Response:
    """`GET /api/consents`: the newest texts, by what data is for."""
    return reply({"consents": list(TEXTS.values())})


async def export(request: Request) -> Response:
    """`GET /api/me/data`: everything that is known of oneself, as a file."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.MOVE, principal.subject)
    with problems():
        answer = reply(await services.commerce.privacy.export(principal.subject))
    answer.headers["Content-Disposition"] = 'attachment; filename="linli-data.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def erase(request: Request) -> Response:
    """`POST /api/me/erasure`: who one is and what one wrote is forgotten; orders stay, nameless."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await read_body(request, Erasure)
    with problems():
        photographed = await services.commerce.privacy.erase(principal.subject)
    services.access.revoked(frozenset({principal.subject}))
    for order_id in photographed:
        try:
            await services.pictures.forget(claim_photos_of(order_id))
        except BlobsAway:  # for whoever operates the shop to delete
            log.error("photos of a claim not deleted", order=order_id)
    return Response(status_code=204)


routes = [
    Route("/api/consents", texts, methods=["GET"]),
    Route("/api/me/data", export, methods=["GET"]),
    Route("/api/me/erasure", erase, methods=["POST"]),
]
