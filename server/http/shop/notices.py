"""Routes about the notices of a guest."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, require
from server.http.bodies import Body, read_body, reply, services_of


class Seen(Body):
    """Notices that a page has shown."""

    ids: Annotated[list[Annotated[int, Field(ge=1, lt=2**53)]], Field(min_length=1, max_length=100)]


async def mine(request: Request) -> Response:
    """`GET /api/me/notices`: what is due and was not seen yet."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    return reply({"notices": await services.commerce.notices.mine(principal.subject)})


async def deliveries(request: Request) -> Response:
    """`GET /api/me/notices/deliveries`: how far one's messages of the last days have come."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    return reply({"deliveries": await services.commerce.notices.deliveries(principal.subject)})


async def seen(request: Request) -> Response:
    """`POST /api/me/notices/seen`: a page has shown them."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    body = await read_body(request, Seen)
    await services.commerce.notices.seen(principal.subject, body.ids)
    return Response(status_code=204)


routes = [
    Route("/api/me/notices", mine, methods=["GET"]),
    Route("/api/me/notices/deliveries", deliveries, methods=["GET"]),
    Route("/api/me/notices/seen", seen, methods=["POST"]),
]
