"""Routes by which a host invites colleagues to help in the room, and they accept.

The secret of an invitation is in the body: addresses stand in logs.
"""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.activities.moderation import COHOSTS_MAX
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind


class Accepted(Body):
    """The secret of an invitation."""

    token: Annotated[str, Field(min_length=1, max_length=128)]


async def listed(request: Request) -> Response:
    """`GET /api/rooms/{room}/cohosts`: who helps in the room, and the invitations that wait."""
    room_id, _ = _host_of(request)
    with problems():
        found = await services_of(request).commerce.moderation.cohosts.listed(room_id)
    return reply({"cohosts": found, "max": COHOSTS_MAX})


async def invite(request: Request) -> Response:
    """`POST /api/rooms/{room}/cohosts`: an invitation for one colleague."""
    room_id, principal = _host_of(request)
    with problems():
        made = await services_of(request).commerce.moderation.cohosts.invite(
            room_id, actor=principal.subject
        )
    return reply(made, 201)


async def accept(request: Request) -> Response:
    """`POST /api/rooms/{room}/cohosts/accept`: the colleague helps from now on; idempotent."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    with problems():
        services.commerce.catalogue.room(room_id)
    brand_id = services.commerce.catalogue.brand_id("room", room_id)
    require(principal, Action.COHOST, room_id=room_id, brand_id=brand_id)
    await services.limits.take(LimitKind.LINK, services.limits.address(request))
    body = await read_body(request, Accepted)
    with problems():
        await services.commerce.moderation.cohosts.accept(
            room_id, body.token, principal.subject, principal.nickname or principal.subject
        )
    return Response(status_code=204)


async def revoke(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/cohosts/{cohost}`: no more, from now on; idempotent."""
    room_id, principal = _host_of(request)
    with problems():
        await services_of(request).commerce.moderation.cohosts.revoke(
            room_id, path_id(request, "cohost"), actor=principal.subject
        )
    return Response(status_code=204)


def _host_of(request: Request) -> tuple[str, Principal]:
    room_id = path_id(request, "room")
    principal = services_of(request).access.principal(request)
    require(principal, Action.PUBLISH, room_id=room_id)
    return room_id, principal


_ROOM = "/api/rooms/{room}/cohosts"
routes = [
    Route(_ROOM, listed, methods=["GET"]),
    Route(_ROOM, invite, methods=["POST"]),
    Route(f"{_ROOM}/accept", accept, methods=["POST"]),
    Route(f"{_ROOM}/{{cohost}}", revoke, methods=["DELETE"]),
]
