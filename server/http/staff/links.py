"""Routes for whoever opens a one-time link: what it is for, and the password that they choose.

The token is in the body: addresses stand in logs.
"""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.people.password_policy import CHARS_MAX
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.limits import LimitKind

Token = Annotated[str, Field(min_length=1, max_length=128)]


class Link(Body):
    """The secret of a link."""

    token: Token


class Choice(Body):
    """The secret of a link, and the password that its owner chose."""

    token: Token
    password: Annotated[str, Field(min_length=1, max_length=4 * CHARS_MAX)]


async def look(request: Request) -> Response:
    """`POST /api/staff-links/look`: whose link it is, and what for."""
    services = services_of(request)
    await services.limits.take(LimitKind.LINK, services.limits.address(request))
    body = await read_body(request, Link)
    with problems():
        return reply(await services.commerce.staff_links.look(body.token))


async def use(request: Request) -> Response:
    """`POST /api/staff-links/use`: the password is set, and the link is used up."""
    services = services_of(request)
    await services.limits.take(LimitKind.LINK, services.limits.address(request))
    body = await read_body(request, Choice)
    with problems():
        await services.commerce.staff_links.use(body.token, body.password)
    return Response(status_code=204)


routes = [
    Route("/api/staff-links/look", look, methods=["POST"]),
    Route("/api/staff-links/use", use, methods=["POST"]),
]
