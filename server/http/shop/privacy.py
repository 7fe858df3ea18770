"""Routes about one's own data: what is agreed to, everything as JSON, and its erasure."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.people.consents import TEXTS
from server.access.policy import Action, require
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.limits import LimitKind


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
    """`POST /api/me/erasure`: who one is is forgotten; orders stay without a name."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await read_body(request, Erasure)
    with problems():
        await services.commerce.privacy.erase(principal.subject)
    services.access.revoked(frozenset({principal.subject}))
    return Response(status_code=204)


routes = [
    Route("/api/consents", texts, methods=["GET"]),
    Route("/api/me/data", export, methods=["GET"]),
    Route("/api/me/erasure", erase, methods=["POST"]),
]
